using DiPaCo.Core;
using DiPaCo.Serving.Inference;
using Xunit;

namespace DiPaCo.Serving.Tests.Inference;

public sealed unsafe class PackedMatrixTests
{
    [Theory]
    [InlineData(WeightType.Fp32, 70)]
    [InlineData(WeightType.Bf16, 70)]
    [InlineData(WeightType.Bf16, 64)]
    [InlineData(WeightType.Q8, 70)]
    [InlineData(WeightType.Q8, 32)]
    public void ARowComesBackAsTheTypeRoundsIt(WeightType type, int columns)
    {
        const int rows = 5;
        float[] values = Values(rows * columns);
        Array.Clear(values, 3 * columns, columns);
        float[] back = Store(values, rows, columns, type);
        for (int row = 0; row < rows; row++)
        {
            float largest = values.AsSpan(row * columns, columns).ToArray().Max(MathF.Abs);
            for (int column = 0; column < columns; column++)
            {
                float value = values[(row * columns) + column];
                float expected = type switch
                {
                    WeightType.Fp32 => value,
                    WeightType.Bf16 => NearestBf16(value),
                    _ => largest == 0 ? 0 : MathF.Round(value / (largest / 127)) * (largest / 127),
                };
                Assert.Equal(expected, back[(row * columns) + column]);
            }
        }
    }

    [Fact]
    public void Bf16RoundsHalvesToEvenAndKeepsWhatIsNoNumber()
    {
        // 1 + 2⁻⁸ lies half-way between 1 and 1 + 2⁻⁷; 1 + 3·2⁻⁸ between 1 + 2⁻⁷ and 1 + 2⁻⁶.
        float[] values = [1 + (1 / 256f), 1 + (3 / 256f), -1 - (1 / 256f), float.MaxValue, float.NegativeInfinity, float.NaN, float.Epsilon, -0f];
        float[] back = Store(values, 1, values.Length, WeightType.Bf16);
        Assert.Equal([1, 1 + (1 / 64f), -1, float.PositiveInfinity, float.NegativeInfinity, float.NaN, 0, -0f], back);
    }

    /// <summary>The nearer of the two neighbors with 8 significant bits; no value here lies half-way.</summary>
    private static float NearestBf16(float value)
    {
        if (value == 0)
        {
            return value;
        }

        double unit = Math.Pow(2, Math.Floor(Math.Log2(Math.Abs(value))) - 7);
        return (float)(Math.Round(value / unit) * unit);
    }

    private static float[] Values(int count)
    {
        RandomStream random = new(5, "packed");
        return [.. Enumerable.Range(0, count).Select(_ => (float)random.NextGaussian())];
    }

    private static float[] Store(float[] values, int rows, int columns, WeightType type)
    {
        using NativeBlock memory = new(PackedMatrix.BytesOf(rows, columns, type));
        using NativeBlock scales = new(rows * sizeof(float));
        using NativeBlock row = new(PackedMatrix.PaddedOf(columns) * sizeof(float));
        PackedMatrix matrix = new((byte*)memory.Pointer, scales.Floats, rows, columns, type);
        fixed (float* source = values)
        {
            matrix.Pack(source);
        }

        float[] back = new float[rows * columns];
        for (int at = 0; at < rows; at++)
        {
            matrix.Unpack(at, row.Floats);
            new ReadOnlySpan<float>(row.Floats, columns).CopyTo(back.AsSpan(at * columns));
            Assert.All(new ReadOnlySpan<float>(row.Floats + columns, PackedMatrix.PaddedOf(columns) - columns).ToArray(), padding => Assert.Equal(0, padding));
        }

        return back;
    }
}
