using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model.Buffers;
using DiPaCo.Model.Kernels;
using DiPaCo.Model.Kernels.Cpu;
using DiPaCo.Model.Kernels.Cpu.Fp32;
using DiPaCo.Model.Native;
using DiPaCo.Model.Tests.Paths;
using TorchSharp;
using Xunit;

namespace DiPaCo.Model.Tests.Kernels;

/// <summary>The three products of a linear layer, over shapes that are cut in different ways, against sums in double precision.</summary>
public sealed unsafe class LinearProductTests
{
    private const int Guard = 64;

    /// <summary>Tokens, outputs and inputs.</summary>
    public static TheoryData<int, int, int> Shapes => new()
    {
        { 1, 32, 32 }, { 33, 32, 64 }, { 70, 96, 32 }, { 128, 64, 96 }, { 517, 288, 64 }, { 600, 64, 320 }, { 1055, 32, 32 }, { 50, 17, 40 },
        { 32, 16, 16 }, { 130, 48, 16 }, { 65, 16, 176 }, { 300, 176, 80 }, { 700, 80, 304 },
    };

    /// <summary>Edges that no tile divides, and sums and results longer than what is multiplied at once.</summary>
    public static TheoryData<int, int, int> UnevenShapes => new()
    {
        { 1, 1, 1 }, { 7, 5, 3 }, { 13, 33, 257 }, { 257, 49, 31 }, { 97, 1055, 19 }, { 41, 23, 1100 }, { 25, 3100, 37 }, { 30, 40, 3333 }, { 201, 3500, 5 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void AllThree_InBf16_AreThoseInDoublePrecision(int tokens, int outputs, int inputs) =>
        Compare<BFloat16Element>(ComputeType.Bf16, torch.ScalarType.BFloat16, tokens, outputs, inputs, tolerance: 0.004);

    [Theory]
    [MemberData(nameof(Shapes))]
    [MemberData(nameof(UnevenShapes))]
    public void AllThree_InFp32_AreThoseInDoublePrecision(int tokens, int outputs, int inputs) =>
        Compare<Float32Element>(ComputeType.Fp32, torch.ScalarType.Float32, tokens, outputs, inputs, tolerance: 1e-6);

    [Theory]
    [MemberData(nameof(UnevenShapes))]
    public void AllThree_InFp32_AreSumsInTheOrderOfTheDepth(int tokens, int outputs, int inputs)
    {
        Assert.SkipUnless(ProductTile.IsSupported, "This processor has no fused multiply-adds of 256 bits: libtorch multiplies, in its own order.");
        Products<Float32Element> made = new(ComputeType.Fp32, torch.ScalarType.Float32, tokens, outputs, inputs);

        Assert.Equal(Chains(tokens, outputs, inputs, (m, n, k) => (made.Left[(m * inputs) + k], made.Weights[(n * inputs) + k]), (_, _) => 0), made.Y);
        Assert.Equal(Chains(tokens, inputs, outputs, (m, k, n) => (made.OutputGradient[(m * outputs) + n], made.Weights[(n * inputs) + k]), (_, _) => 0), made.InputGradient);
        Assert.Equal(
            Chains(outputs, inputs, tokens, (n, k, m) => (made.OutputGradient[(m * outputs) + n], made.Left[(m * inputs) + k]), (n, k) => made.Before[(n * inputs) + k]),
            made.WeightGradient);
    }

    private static void Compare<TElement>(ComputeType type, torch.ScalarType scalar, int tokens, int outputs, int inputs, double tolerance)
        where TElement : IElement
    {
        Products<TElement> made = new(type, scalar, tokens, outputs, inputs);

        // What lies behind the rows in use is nobody's to touch.
        Assert.All(made.BehindY.Index(), entry => Assert.Equal(GuardByte(entry.Index), entry.Item));
        Assert.All(made.BehindInputGradient.Index(), entry => Assert.Equal(GuardByte(entry.Index), entry.Item));
        AssertClose(made.Y, Naive(tokens, outputs, inputs, (m, n, k) => (double)made.Left[(m * inputs) + k] * made.Weights[(n * inputs) + k]), tolerance);
        AssertClose(made.InputGradient, Naive(tokens, inputs, outputs, (m, k, n) => (double)made.OutputGradient[(m * outputs) + n] * made.Weights[(n * inputs) + k]), tolerance);
        double[] sums = Naive(outputs, inputs, tokens, (n, k, m) => (double)made.OutputGradient[(m * outputs) + n] * made.Left[(m * inputs) + k]);
        AssertClose([.. made.WeightGradient.Zip(made.Before, (after, before) => after - before)], sums, tolerance);
    }

    private static byte GuardByte(int at) => (byte)(0x40 + (at % 61));

    private static double[] Naive(int rows, int columns, int depth, Func<int, int, int, double> term) =>
        [.. Enumerable.Range(0, rows * columns).Select(i => Enumerable.Range(0, depth).Sum(d => term(i / columns, i % columns, d)))];

    private static float[] Chains(int rows, int columns, int depth, Func<int, int, int, (float Left, float Right)> factors, Func<int, int, float> first) =>
    [
        .. Enumerable.Range(0, rows * columns).Select(i => Enumerable.Range(0, depth).Aggregate(first(i / columns, i % columns), (sum, d) =>
        {
            (float left, float right) = factors(i / columns, i % columns, d);
            return MathF.FusedMultiplyAdd(left, right, sum);
        })),
    ];

    private static void AssertClose(float[] found, double[] expected, double tolerance)
    {
        // bf16 keeps eight bits: an element is off by 2⁻⁹ of itself at most.
        double scale = Math.Sqrt(expected.Sum(value => value * value) / expected.Length);
        Assert.All(found.Zip(expected), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, (tolerance * Math.Abs(pair.Second)) + (1e-4 * scale)));
    }

    /// <summary>Pseudo-random operands and what the kernels make of them.</summary>
    private sealed class Products<TElement>
        where TElement : IElement
    {
        public Products(ComputeType type, torch.ScalarType scalar, int tokens, int outputs, int inputs)
        {
            TorchLibrary.Initialize();
            using PathBuffers buffers = new(outputs * inputs, outputs * inputs, type, torch.CPU);
            using Parameter weight = new(new NamedTensor("w", outputs, inputs, 0), 0, buffers);
            using IKernels kernels = CpuKernels.Create(SmallPath.Shape, type);
            using TensorBuffer x = new(inputs, scalar, torch.CPU, tokens);
            using TensorBuffer y = new(outputs, scalar, torch.CPU, tokens + Guard);
            using TensorBuffer dy = new(outputs, scalar, torch.CPU, tokens);
            using TensorBuffer dx = new(inputs, scalar, torch.CPU, tokens + Guard);
            RandomStream random = new(1, "linear", tokens, outputs, inputs);
            Weights = Fill(random, weight.ComputePointer, outputs * inputs);
            Left = Fill(random, x.Pointer, tokens * inputs);
            OutputGradient = Fill(random, dy.Pointer, tokens * outputs);
            Before = [.. Enumerable.Range(0, outputs * inputs).Select(_ => (float)random.NextDouble())];
            Before.CopyTo(new Span<float>(weight.GradientPointer, Before.Length));
            Protect(y, tokens);
            Protect(dx, tokens);

            kernels.Multiply(x, weight, y);
            kernels.MultiplyBack(dy, weight, dx);
            kernels.AddWeightGradient(dy, x, weight);

            BehindY = Behind(y, tokens).ToArray();
            BehindInputGradient = Behind(dx, tokens).ToArray();
            Y = Read(y.Pointer, tokens * outputs);
            InputGradient = Read(dx.Pointer, tokens * inputs);
            WeightGradient = new ReadOnlySpan<float>(weight.GradientPointer, Before.Length).ToArray();
        }

        public float[] Weights { get; }

        public float[] Left { get; }

        public float[] OutputGradient { get; }

        public float[] Before { get; }

        public float[] Y { get; }

        public float[] InputGradient { get; }

        public float[] WeightGradient { get; }

        public byte[] BehindY { get; }

        public byte[] BehindInputGradient { get; }

        private static void Protect(TensorBuffer buffer, int rows)
        {
            Span<byte> behind = Behind(buffer, rows);
            for (int i = 0; i < behind.Length; i++)
            {
                behind[i] = GuardByte(i);
            }

            buffer.Resize(rows);
        }

        private static Span<byte> Behind(TensorBuffer buffer, int rows) =>
            new((byte*)buffer.Pointer + (buffer.Columns * rows * TElement.Size), (int)(buffer.Columns * Guard * TElement.Size));

        private static float[] Fill(RandomStream random, void* target, int count)
        {
            for (int i = 0; i < count; i++)
            {
                TElement.StoreOne(target, i, (float)random.NextDouble() - 0.5f);
            }

            return Read(target, count);
        }

        private static float[] Read(void* source, int count)
        {
            float[] values = new float[count];
            for (int i = 0; i < count; i++)
            {
                values[i] = TElement.LoadOne(source, i);
            }

            return values;
        }
    }
}
