using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model.Buffers;
using DiPaCo.Model.Kernels;
using DiPaCo.Model.Kernels.Cpu;
using DiPaCo.Model.Native;
using DiPaCo.Model.Tests.Paths;
using TorchSharp;
using Xunit;

namespace DiPaCo.Model.Tests.Kernels;

/// <summary>The three products of a linear layer in bf16, over shapes that are cut in different ways, against sums in double precision.</summary>
public sealed unsafe class LinearProductTests
{
    private const int Guard = 64;

    [Theory]
    [InlineData(1, 32, 32)]
    [InlineData(33, 32, 64)]
    [InlineData(70, 96, 32)]
    [InlineData(128, 64, 96)]
    [InlineData(517, 288, 64)]
    [InlineData(600, 64, 320)]
    [InlineData(1055, 32, 32)]
    [InlineData(50, 17, 40)]
    [InlineData(32, 16, 16)]
    [InlineData(130, 48, 16)]
    [InlineData(65, 16, 176)]
    [InlineData(300, 176, 80)]
    [InlineData(700, 80, 304)]
    public void AllThree_AreThoseInDoublePrecision(int tokens, int outputs, int inputs)
    {
        TorchLibrary.Initialize();
        using PathBuffers buffers = new(outputs * inputs, outputs * inputs, ComputeType.Bf16, torch.CPU);
        using Parameter weight = new(new NamedTensor("w", outputs, inputs, 0), 0, buffers);
        using IKernels kernels = CpuKernels.Create(SmallPath.Shape, ComputeType.Bf16);
        using TensorBuffer x = new(inputs, torch.ScalarType.BFloat16, torch.CPU, tokens);
        using TensorBuffer y = new(outputs, torch.ScalarType.BFloat16, torch.CPU, tokens + Guard);
        using TensorBuffer dy = new(outputs, torch.ScalarType.BFloat16, torch.CPU, tokens);
        using TensorBuffer dx = new(inputs, torch.ScalarType.BFloat16, torch.CPU, tokens + Guard);
        RandomStream random = new(1, "linear", tokens, outputs, inputs);
        float[] w = Fill(random, weight.ComputePointer, outputs * inputs);
        float[] left = Fill(random, x.Pointer, tokens * inputs);
        float[] gradient = Fill(random, dy.Pointer, tokens * outputs);
        float[] before = [.. Enumerable.Range(0, outputs * inputs).Select(_ => (float)random.NextDouble())];
        before.CopyTo(new Span<float>(weight.GradientPointer, before.Length));

        // What lies behind the rows in use is nobody's to touch.
        ushort[] behindY = Guarded(y, tokens);
        ushort[] behindDx = Guarded(dx, tokens);

        kernels.Multiply(x, weight, y);
        kernels.MultiplyBack(dy, weight, dx);
        kernels.AddWeightGradient(dy, x, weight);

        Assert.Equal(behindY, Behind(y, tokens));
        Assert.Equal(behindDx, Behind(dx, tokens));
        AssertClose(Read(y.Pointer, tokens * outputs), Naive(tokens, outputs, inputs, (m, n, k) => (double)left[(m * inputs) + k] * w[(n * inputs) + k]));
        AssertClose(Read(dx.Pointer, tokens * inputs), Naive(tokens, inputs, outputs, (m, k, n) => (double)gradient[(m * outputs) + n] * w[(n * inputs) + k]));
        double[] sums = Naive(outputs, inputs, tokens, (n, k, m) => (double)gradient[(m * outputs) + n] * left[(m * inputs) + k]);
        AssertClose(
            new ReadOnlySpan<float>(weight.GradientPointer, before.Length).ToArray().Zip(before, (after, b) => after - b).ToArray(), sums);
    }

    private static ushort[] Guarded(TensorBuffer buffer, int rows)
    {
        Span<ushort> all = new(buffer.Pointer, (int)(buffer.Columns * (rows + Guard)));
        for (int i = 0; i < all.Length; i++)
        {
            all[i] = (ushort)(0x4000 + (i % 251));
        }

        buffer.Resize(rows);
        return Behind(buffer, rows);
    }

    private static ushort[] Behind(TensorBuffer buffer, int rows) =>
        new ReadOnlySpan<ushort>((ushort*)buffer.Pointer + (buffer.Columns * rows), (int)(buffer.Columns * Guard)).ToArray();

    private static double[] Naive(int rows, int columns, int depth, Func<int, int, int, double> term) =>
        [.. Enumerable.Range(0, rows * columns).Select(i => Enumerable.Range(0, depth).Sum(d => term(i / columns, i % columns, d)))];

    private static void AssertClose(float[] found, double[] expected)
    {
        // bf16 keeps eight bits: an element is off by 2⁻⁹ of itself at most.
        double scale = Math.Sqrt(expected.Sum(value => value * value) / expected.Length);
        Assert.All(found.Zip(expected), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, (0.004 * Math.Abs(pair.Second)) + (1e-4 * scale)));
    }

    private static float[] Fill(RandomStream random, void* target, int count)
    {
        for (int i = 0; i < count; i++)
        {
            BFloat16Element.StoreOne(target, i, (float)random.NextDouble() - 0.5f);
        }

        return Read(target, count);
    }

    private static float[] Read(void* source, int count)
    {
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = BFloat16Element.LoadOne(source, i);
        }

        return values;
    }
}
