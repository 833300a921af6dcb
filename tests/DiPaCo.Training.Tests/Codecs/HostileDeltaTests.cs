using System.Buffers.Binary;
using DiPaCo.Core;
using DiPaCo.Training.Codecs;
using Xunit;

namespace DiPaCo.Training.Tests.Codecs;

public sealed class HostileDeltaTests
{
    private const int Length = 300;

    public static TheoryData<string> Codecs => DeltaCodecTests.Codecs;

    [Theory]
    [MemberData(nameof(Codecs))]
    public void AnyChangedBit_AndAnyMissingOrExtraByte_IsAClearError(string codec)
    {
        byte[] whole = Encoded(codec);
        for (int bit = 0; bit < whole.Length * 8; bit++)
        {
            byte[] changed = [.. whole];
            changed[bit / 8] ^= (byte)(1 << (bit % 8));
            Refusal(changed);
        }

        for (int length = 0; length < whole.Length; length++)
        {
            Refusal(whole[..length]);
        }

        Refusal([.. whole, 0]);
        Assert.Contains("it has 300 elements, expected 299", Assert.Throws<DeltaFormatException>(() => DeltaCodecTests.Decode(whole, Length - 1)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void ChangesWithARightChecksum_GiveFiniteElementsOrAClearError(string codec)
    {
        var random = new RandomStream(3, codec);
        byte[] whole = Encoded(codec);
        float[] delta = new float[Length];
        for (int i = 0; i < 3000; i++)
        {
            byte[] changed = [.. whole];
            for (int changes = 1 + random.NextInt32(4); changes > 0; changes--)
            {
                changed[random.NextInt32(random.NextInt32(2) == 0 ? 20 : whole.Length)] = (byte)random.NextInt32(256);
            }

            try
            {
                DeltaCodecTests.Decode(NaiveCodec.Seal(changed), delta);
                Assert.All(delta, value => Assert.True(float.IsFinite(value)));
            }
            catch (DeltaFormatException exception)
            {
                Assert.StartsWith("An encoded delta cannot be read: ", exception.Message, StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData("fp32", 1L << 40, "it claims 1099511627776 elements")]
    [InlineData("int8", -1, "it claims -1 elements")]
    [InlineData("int4", int.MaxValue, "expected 1207959576 for 2147483647 elements")]
    [InlineData("top-k", 29, "its header contradicts itself")]
    public void ClaimedLengths_AreHeldAgainstTheBytes(string codec, long length, string reason)
    {
        byte[] encoded = Encoded(codec);
        BinaryPrimitives.WriteInt64LittleEndian(encoded.AsSpan(8), length);

        Assert.Contains(reason, Refusal(NaiveCodec.Seal(encoded)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(4, 2, "its format has version 2")]
    [InlineData(5, 9, "it has the encoding 9, which is unknown")]
    [InlineData(5, 0, "it has the encoding 0, which is unknown")]
    [InlineData(6, 1, "its header contradicts itself")]
    [InlineData(16, 1, "its header contradicts itself")]
    [InlineData(25, 0xFF, "a block's scale is not a possible one")]
    [InlineData(25, 0x7F, "a block's scale is not a possible one")]
    [InlineData(353, 1, "there are elements behind its end")]
    public void Contradictions_AreNamed(int at, byte value, string reason)
    {
        byte[] encoded = Encoded("int8");
        encoded[at] = value;

        Assert.Contains(reason, Refusal(NaiveCodec.Seal(encoded)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(24, 31, "it claims 31 elements for a segment")]
    [InlineData(24, -1, "it claims -1 elements for a segment")]
    [InlineData(24, 29, "1 of its elements belong nowhere")]
    [InlineData(28, 0x3F80FFFF, "position or value")]
    [InlineData(28, 0x7F800000, "position or value")]
    [InlineData(144, 0x3F800000, "position or value")]
    public void ImpossibleKeptElements_AreNamed(int at, int value, string reason)
    {
        byte[] encoded = Encoded("top-k");
        BinaryPrimitives.WriteInt32LittleEndian(encoded.AsSpan(at), value);

        Assert.Contains(reason, Refusal(NaiveCodec.Seal(encoded)), StringComparison.Ordinal);
    }

    private static byte[] Encoded(string codec) =>
        DeltaCodecTests.Encode(DeltaCodecTests.Of(codec), DeltaCodecTests.Delta(Length, 1, 1), new float[Length]);

    private static string Refusal(byte[] encoded) => Assert.Throws<DeltaFormatException>(() => DeltaCodecTests.Decode(encoded, Length)).Message;
}
