using CsCheck;
using DiPaCo.Core;
using DiPaCo.Training.Codecs;
using Xunit;

namespace DiPaCo.Training.Tests.Codecs;

public sealed class DeltaCodecTests
{
    // Lengths around the blocks' and vectors' ends.
    private static readonly Gen<int> Lengths = Gen.OneOf(Gen.Int[0, 200], Gen.Const(4096), Gen.Const(70_000));

    public static TheoryData<string> Codecs => ["fp32", "bf16", "int8", "int4", "top-k"];

    [Fact]
    public void Encodings_KeepTheirNumbers() => Assert.Equal(
        ["Fp32 = 1", "Bf16 = 2", "Int8 = 3", "Int4 = 4", "TopK = 5"],
        Enum.GetValues<DeltaEncoding>().Select(encoding => $"{encoding} = {(byte)encoding}"));

    [Fact]
    public void Sizes_AreAsDocumented()
    {
        const int n = 1_000_001;

        Assert.Equal(24 + (4 * n), new Fp32Codec().BytesFor(n));
        Assert.Equal(24 + (2 * n), new Bf16Codec().BytesFor(n));
        Assert.Equal(24 + (66 * 15_626), new Int8Codec().BytesFor(n));
        Assert.Equal(24 + (18 * 31_251), new Int4Codec().BytesFor(n));
        Assert.Equal(24 + (4 * 16) + (4 * 10_001), new TopKCodec(0.01).BytesFor(n));
        Assert.True(4.0 * n / new Int8Codec().BytesFor(n) >= 3.87);
        Assert.True(4.0 * n / new Int4Codec().BytesFor(n) >= 7.1);
        Assert.All(Codecs, row => Assert.True(Of(row.Data).BytesFor(int.MaxValue) > int.MaxValue / 100));
    }

    [Theory]
    [InlineData("fp32", "44454C5401010000030000000000000000000000D3A057D50000803F000000C0000000BF")]
    [InlineData("bf16", "44454C54010200000300000000000000000000005A2899BA803F00C000BF")]
    [InlineData("int8", "44454C54010300000300000000000000000000000AF359F4823C3F82E000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("int4", "44454C5401040000030000000000000000000000DB3E0EBC933E8B818688888888888888888888888888")]
    [InlineData("top-k", "44454C54010500000300000000000000010000009DEA8EC201000000010000C0")]
    public void Format_IsStable(string codec, string expected)
    {
        float[] residual = new float[3];

        Assert.Equal(expected, Convert.ToHexString(Encode(Of(codec), [1, -2, -0.5f], residual)));
    }

    [Fact]
    public void BlockCodecs_WriteWhatTheDocumentationSays() =>
        Gen.Select(Lengths, Gen.Int, Gen.Int[-30, 30]).Sample((length, seed, exponent) =>
        {
            float[] x = Delta(length, seed, MathF.Pow(2, exponent));

            Assert.Equal(NaiveCodec.Int8(x), Encode(new Int8Codec(), x, new float[length]));
            Assert.Equal(NaiveCodec.Int4(x), Encode(new Int4Codec(), x, new float[length]));
        });

    [Fact]
    public void TopK_KeepsTheLargest_AndOfEqualsTheFirst() =>
        Gen.Select(Lengths, Gen.Int, Gen.Double[0.001, 1], Gen.Bool).Sample((length, seed, fraction, coarse) =>
        {
            float[] x = Delta(length, seed, 1);
            if (coarse)
            {
                // Many of equal magnitude.
                x = [.. x.Select(value => MathF.Round(value))];
            }

            int k = length == 0 ? 0 : Math.Max(1, (int)Math.Ceiling(fraction * length));
            Assert.Equal(NaiveCodec.TopK(x, k), Encode(new TopKCodec(fraction), x, new float[length]));
        });

    [Theory]
    [MemberData(nameof(Codecs))]
    public void DecodedAndResidual_AreTheWhole(string codec) =>
        Gen.Select(Lengths, Gen.Int).Sample((length, seed) =>
        {
            float[] delta = Delta(length, seed, 1e-3f);
            float[] residual = Delta(length, seed + 1, 1e-5f);
            float[] x = [.. delta.Zip(residual, (a, b) => a + b)];

            float[] decoded = Decode(Encode(Of(codec), delta, residual), length);

            for (int i = 0; i < length; i++)
            {
                Assert.Equal(x[i], (double)decoded[i] + residual[i]);
            }
        });

    [Theory]
    [InlineData("int8", 64, 127)]
    [InlineData("int4", 32, 7)]
    public void NoElement_IsOffByMoreThanHalfItsBlocksScale(string codec, int block, int levels) =>
        Gen.Select(Gen.Int[1, 300], Gen.Int, Gen.Int[-100, 100]).Sample((length, seed, exponent) =>
        {
            float[] x = Delta(length, seed, MathF.Pow(2, exponent));

            float[] decoded = Decode(Encode(Of(codec), x, new float[length]), length);

            for (int i = 0; i < length; i++)
            {
                double largest = x.Skip(i / block * block).Take(block).Max(Math.Abs);
                // The scale is rounded up to 8 significant bits.
                double scale = largest / levels * (1 + (1 / 128.0));
                Assert.True(Math.Abs((double)decoded[i] - x[i]) <= (scale / 2 * 1.00001) + float.Epsilon, $"{x[i]} became {decoded[i]} in a block up to {largest}");
            }
        });

    [Fact]
    public void Bf16_IsTheNearest() =>
        Gen.Float.Where(value => MathF.Abs(value) <= 1e38f).Array[0, 40].Sample(x =>
        {
            float[] decoded = Decode(Encode(new Bf16Codec(), x, new float[x.Length]), x.Length);

            Assert.Equal(x.Select(value => NaiveCodec.Value(NaiveCodec.BFloat16(value))), decoded);
        });

    [Fact]
    public void Fp32_IsExactToTheBit() =>
        Gen.Float.Where(value => MathF.Abs(value) <= 1e38f).Array[0, 40].Sample(x =>
        {
            float[] residual = new float[x.Length];

            float[] decoded = Decode(Encode(new Fp32Codec(), x, residual), x.Length);

            Assert.Equal(x.Select(BitConverter.SingleToInt32Bits), decoded.Select(BitConverter.SingleToInt32Bits));
            Assert.All(residual, left => Assert.Equal(0, left));
        });

    [Theory]
    [InlineData("bf16", 1e-4)]
    [InlineData("int8", 1e-3)]
    [InlineData("int4", 0.01)]
    [InlineData("top-k", 0.1)]
    public void ErrorFeedback_MakesTheSumOfWhatIsSentTheSumOfTheDeltas(string codec, double tolerance)
    {
        const int length = 5000;
        const int phases = 400;
        float[] drift = Delta(length, 1, 1e-3f);
        float[] residual = new float[length];
        double[] sent = new double[length], sentWithout = new double[length], sum = new double[length];
        for (int phase = 0; phase < phases; phase++)
        {
            float[] noise = Delta(length, 1000 + phase, 1e-3f);
            float[] delta = [.. drift.Zip(noise, (a, b) => a + b)];
            Add(sent, Decode(Encode(Of(codec), delta, residual), length));
            Add(sentWithout, Decode(Encode(Of(codec), delta, new float[length]), length));
            Add(sum, delta);
        }

        double with = Distance(sent, sum) / Norm(sum);
        double without = Distance(sentWithout, sum) / Norm(sum);
        Assert.True(with <= tolerance, $"{codec}: the sums differ by {with:g3}, without feedback by {without:g3}");
        Assert.True(with < without / 3, $"{codec}: the sums differ by {with:g3}, without feedback by {without:g3}");
        // And what is missing is exactly what is kept, but for the rounding of x in each phase.
        Add(sent, residual);
        Assert.True(Distance(sent, sum) <= 1e-6 * Norm(sum));
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void DivergedDelta_IsRefusedAndTheResidualStays(string codec)
    {
        foreach ((int at, float value) in ((int, float)[])[(0, float.NaN), (77, float.PositiveInfinity), (99, float.NegativeInfinity), (40, 2e38f)])
        {
            float[] delta = Delta(100, 1, 1);
            float[] residual = Delta(100, 2, 0.01f);
            float[] before = [.. residual];
            delta[at] = value;

            NonFiniteDeltaException exception = Assert.Throws<NonFiniteDeltaException>(() => Encode(Of(codec), delta, residual));

            Assert.Equal(at, exception.Index);
            Assert.StartsWith($"Element {at} of a delta is ", exception.Message, StringComparison.Ordinal);
            Assert.Equal(before, residual);
        }
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void Extremes_StayFinite(string codec)
    {
        foreach (float value in (float[])[1e38f, -1e38f, float.Epsilon, -1e-45f, 1e-40f, 1.2e-38f, 0, -0f])
        {
            float[] residual = new float[70];
            float[] decoded = Decode(Encode(Of(codec), [.. Enumerable.Repeat(value, 70)], residual), 70);

            Assert.All(decoded, one => Assert.True(float.IsFinite(one)));
            Assert.All(residual, one => Assert.True(float.IsFinite(one)));
            if (codec != "top-k")
            {
                Assert.All(decoded, one => Assert.Equal(value, one, (Math.Abs((double)value) / 8) + 1e-37));
            }
        }
    }

    internal static IDeltaCodec Of(string codec) => codec switch
    {
        "fp32" => new Fp32Codec(),
        "bf16" => new Bf16Codec(),
        "int8" => new Int8Codec(),
        "int4" => new Int4Codec(),
        _ => new TopKCodec(0.1),
    };

    internal static byte[] Encode(IDeltaCodec codec, float[] delta, float[] residual)
    {
        byte[] encoded = new byte[codec.BytesFor(delta.Length)];
        // What was in the buffer must not matter.
        Array.Fill(encoded, (byte)0xA5);
        codec.Encode(delta, residual, encoded);
        return encoded;
    }

    internal static void Decode(byte[] encoded, float[] delta)
    {
        using DeltaReader reader = new(new MemoryStream(encoded), delta.Length);
        reader.Read(delta);
    }

    internal static float[] Decode(byte[] encoded, int length)
    {
        float[] delta = new float[length];
        Array.Fill(delta, float.NaN);
        Decode(encoded, delta);
        return delta;
    }

    /// <summary>As deltas are: Gaussian with rare large elements and some zeros.</summary>
    internal static float[] Delta(int length, int seed, float scale)
    {
        var random = new RandomStream(seed, "delta");
        float[] delta = new float[length];
        for (int i = 0; i < length; i++)
        {
            double size = random.NextInt32(50) switch
            {
                0 => 10,
                1 => 0,
                _ => 1,
            };
            delta[i] = (float)(random.NextGaussian() * size) * scale;
        }

        return delta;
    }

    private static void Add(double[] sum, float[] values)
    {
        for (int i = 0; i < sum.Length; i++)
        {
            sum[i] += values[i];
        }
    }

    private static double Norm(double[] values) => Math.Sqrt(values.Sum(value => value * value));

    private static double Distance(double[] a, double[] b) => Math.Sqrt(a.Zip(b, (x, y) => (x - y) * (x - y)).Sum());
}
