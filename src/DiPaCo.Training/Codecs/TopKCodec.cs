using System.Buffers.Binary;

namespace DiPaCo.Training.Codecs;

/// <summary>
/// The k elements of the largest magnitude, as bfloat16 with 16 bits of position each: 24 + 4⌈n / 65536⌉ + 4k bytes. Of elements of
/// equal magnitude the first ones are taken.
/// </summary>
/// <remarks>The elements are cut into segments of 65,536: for each the number of its kept elements, then position and value of each.</remarks>
public sealed class TopKCodec : IDeltaCodec
{
    private const int Segment = 1 << 16;
    internal const int EntryBytes = 4;

    /// <summary>Creates the codec.</summary>
    /// <param name="fraction">k / n, in (0, 1]; at least one element is kept.</param>
    public TopKCodec(double fraction)
    {
        if (!(fraction is > 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(fraction), fraction, "The fraction of elements that are kept is in (0, 1].");
        }

        Fraction = fraction;
    }

    /// <summary>k / n.</summary>
    public double Fraction { get; }

    /// <inheritdoc/>
    public DeltaEncoding Encoding => DeltaEncoding.TopK;

    /// <inheritdoc/>
    public long BytesFor(int length) => Bytes(length, KeptOf(length));

    /// <inheritdoc/>
    public void Encode(ReadOnlySpan<float> delta, Span<float> residual, Span<byte> encoded)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(encoded.Length, BytesFor(delta.Length));
        ErrorFeedback.Add(delta, residual);
        int kept = KeptOf(delta.Length);
        MagnitudeThreshold threshold = MagnitudeThreshold.Of(residual, kept);
        int atThreshold = threshold.KeptAtThreshold;
        Span<byte> body = encoded[DeltaHeader.Bytes..];
        for (int start = 0; start < residual.Length; start += Segment)
        {
            Span<float> segment = residual.Slice(start, Math.Min(Segment, residual.Length - start));
            int count = EncodeSegment(segment, threshold.Magnitude, ref atThreshold, body[sizeof(int)..]);
            BinaryPrimitives.WriteInt32LittleEndian(body, count);
            body = body[(sizeof(int) + (count * EntryBytes))..];
        }

        new DeltaHeader(Encoding, delta.Length, kept).Write(encoded);
    }

    internal static long Bytes(int length, int kept) => DeltaHeader.Bytes + (((long)length + Segment - 1) / Segment * sizeof(int)) + ((long)kept * EntryBytes);

    private static int EncodeSegment(Span<float> segment, uint threshold, ref int atThreshold, Span<byte> body)
    {
        int count = 0;
        for (int i = 0; i < segment.Length; i++)
        {
            uint magnitude = MagnitudeThreshold.MagnitudeOf(segment[i]);
            if (magnitude > threshold || (magnitude == threshold && atThreshold-- > 0))
            {
                ushort bits = Bf16Bits.Of(segment[i]);
                BinaryPrimitives.WriteUInt16LittleEndian(body[(count * EntryBytes)..], (ushort)i);
                BinaryPrimitives.WriteUInt16LittleEndian(body[((count * EntryBytes) + sizeof(ushort))..], bits);
                segment[i] -= Bf16Bits.Value(bits);
                count++;
            }
        }

        return count;
    }

    internal static void DecodeSegment(ReadOnlySpan<byte> body, int count, Span<float> segment)
    {
        segment.Clear();
        int last = -1;
        for (int i = 0; i < count; i++)
        {
            int position = BinaryPrimitives.ReadUInt16LittleEndian(body[(i * EntryBytes)..]);
            ushort bits = BinaryPrimitives.ReadUInt16LittleEndian(body[((i * EntryBytes) + sizeof(ushort))..]);
            if (position <= last || position >= segment.Length || !Bf16Bits.IsFinite(bits))
            {
                throw new DeltaFormatException("an element's position or value is not a possible one");
            }

            segment[position] = Bf16Bits.Value(bits);
            last = position;
        }
    }

    private int KeptOf(int length) => length == 0 ? 0 : (int)Math.Clamp((long)Math.Ceiling(Fraction * length), 1, length);
}
