using CsCheck;
using DiPaCo.Core;
using DiPaCo.Training.Codecs;
using Xunit;

namespace DiPaCo.Training.Tests.Codecs;

/// <summary>Reading an encoded delta piece by piece from a file is decoding it as a whole.</summary>
public sealed class DeltaReaderTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public static TheoryData<string> Codecs => DeltaCodecTests.Codecs;

    public void Dispose() => File.Delete(_path);

    [Theory]
    [MemberData(nameof(Codecs))]
    public void AnyPieces_GiveTheWhole(string codec) =>
        Gen.Select(Gen.OneOf(Gen.Int[0, 300], Gen.Int[65_500, 65_600], Gen.Const(200_001)), Gen.Int[1, 40_000], Gen.Int).Sample(
            (length, piece, seed) =>
            {
                byte[] encoded = DeltaCodecTests.Encode(DeltaCodecTests.Of(codec), DeltaCodecTests.Delta(length, seed, 1e-3f), new float[length]);
                File.WriteAllBytes(_path, encoded);
                float[] whole = DeltaCodecTests.Decode(encoded, length);
                float[] pieces = new float[length];

                using DeltaReader file = new(File.OpenRead(_path), length);
                for (int first = 0; first < length; first += piece)
                {
                    file.Read(pieces.AsSpan(first, Math.Min(piece, length - first)));
                }

                Assert.Equal(whole, pieces);
                Assert.Throws<ArgumentOutOfRangeException>(() => file.Read(new float[1]));
            },
            iter: 40, threads: 1);

    [Theory]
    [MemberData(nameof(Codecs))]
    public void AFile_IsRefusedWhereItsBytesAre(string codec)
    {
        const int length = 300;
        byte[] whole = DeltaCodecTests.Encode(DeltaCodecTests.Of(codec), DeltaCodecTests.Delta(length, 1, 1e-3f), new float[length]);
        var random = new RandomStream(5, codec);
        int refused = 0;
        for (int i = 0; i < 1000; i++)
        {
            byte[] changed = whole[..(random.NextInt32(4) == 0 ? random.NextInt32(whole.Length) : whole.Length)];
            if (changed.Length > 0)
            {
                changed[random.NextInt32(Math.Min(changed.Length, random.NextInt32(2) == 0 ? 20 : whole.Length))] ^= (byte)(1 + random.NextInt32(255));
            }

            // Half of them with a right checksum.
            changed = i % 2 == 0 && changed.Length >= DeltaHeader.Bytes ? NaiveCodec.Seal(changed) : changed;
            string? expected = ReasonOf(() => DeltaCodecTests.Decode(changed, length));
            File.WriteAllBytes(_path, changed);

            Assert.Equal(expected is null, ReasonOf(() => ReadFile(length)) is null);
            refused += expected is null ? 0 : 1;
        }

        Assert.InRange(refused, 500, 1000);
    }

    [Fact]
    public void AnotherLength_IsRefused()
    {
        File.WriteAllBytes(_path, DeltaCodecTests.Encode(new Int8Codec(), new float[300], new float[300]));

        Assert.Equal("it has 300 elements, expected 299", ReasonOf(() => ReadFile(299)));
    }

    private float[] ReadFile(int length)
    {
        using DeltaReader file = new(File.OpenRead(_path), length);
        float[] delta = new float[length];
        file.Read(delta);
        return delta;
    }

    private static string? ReasonOf(Func<float[]> read)
    {
        try
        {
            return read() is null ? "" : null;
        }
        catch (DeltaFormatException exception)
        {
            return exception.Reason;
        }
    }
}
