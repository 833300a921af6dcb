using System.Buffers.Binary;

namespace DiPaCo.Training.Codecs;

/// <summary>Reads deltas of all kinds, piece by piece from front to back, so that one in a file is never in memory as a whole.</summary>
public sealed class DeltaReader : IDisposable
{
    // A whole number of blocks of every encoding, and one of the segments of TopKCodec.
    private const int SegmentElements = 1 << 16;

    private readonly Stream _stream;
    private readonly DeltaHeader _header;
    private readonly float[] _segment;
    private readonly byte[] _bytes;
    private long _decoded;
    private int _left;
    private long _kept;

    /// <summary>Judges what a codec has written as a whole, before anything of it is decoded.</summary>
    /// <param name="encoded">The bytes; can seek, and is closed with the reader.</param>
    /// <param name="length">Elements that are expected.</param>
    /// <exception cref="DeltaFormatException">They are damaged, hostile, or of a delta of another length.</exception>
    public DeltaReader(Stream encoded, long length)
    {
        _stream = encoded;
        try
        {
            _header = DeltaHeader.Read(encoded);
            if (_header.Length != length)
            {
                throw new DeltaFormatException($"it has {_header.Length} elements, expected {length}");
            }
        }
        catch
        {
            encoded.Dispose();
            throw;
        }

        encoded.Position = DeltaHeader.Bytes;

        _segment = new float[(int)Math.Min(SegmentElements, length)];
        _bytes = new byte[SegmentElements * sizeof(float)];
        _kept = _header.Kept;
    }

    /// <summary>Decodes the elements behind those that were read before.</summary>
    /// <param name="delta">Receives them.</param>
    /// <exception cref="DeltaFormatException">A value is not a possible one.</exception>
    public void Read(Span<float> delta)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(delta.Length, _left + _header.Length - _decoded, nameof(delta));
        while (delta.Length > 0)
        {
            if (_left == 0)
            {
                DecodeSegment();
            }

            int count = Math.Min(_left, delta.Length);
            SegmentSpan[^_left..][..count].CopyTo(delta);
            delta = delta[count..];
            _left -= count;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private Span<float> SegmentSpan => _segment.AsSpan(0, SegmentLength(_decoded - 1));

    private int SegmentLength(long element) => (int)Math.Min(SegmentElements, _header.Length - (element / SegmentElements * SegmentElements));

    private void DecodeSegment()
    {
        int count = SegmentLength(_decoded);
        Span<float> segment = _segment.AsSpan(0, count);
        switch (_header.Encoding)
        {
            case DeltaEncoding.Fp32:
                Fp32Codec.Decode(Bytes(Fp32Codec.Bytes(count) - DeltaHeader.Bytes), segment);
                break;
            case DeltaEncoding.Bf16:
                Bf16Codec.Decode(Bytes(Bf16Codec.Bytes(count) - DeltaHeader.Bytes), segment);
                break;
            case DeltaEncoding.Int8:
                Int8Codec.Decode(Bytes(Int8Codec.Bytes(count) - DeltaHeader.Bytes), segment);
                break;
            case DeltaEncoding.Int4:
                Int4Codec.Decode(Bytes(Int4Codec.Bytes(count) - DeltaHeader.Bytes), segment);
                break;
            case DeltaEncoding.TopK:
                DecodeTopK(segment);
                break;
            default:
                throw new DeltaFormatException($"it has the encoding {(byte)_header.Encoding}, which is unknown");
        }

        _decoded += count;
        _left = count;
    }

    private void DecodeTopK(Span<float> segment)
    {
        int count = BinaryPrimitives.ReadInt32LittleEndian(Bytes(sizeof(int)));
        if (count < 0 || count > Math.Min(segment.Length, _kept))
        {
            throw new DeltaFormatException($"it claims {count} elements for a segment");
        }

        TopKCodec.DecodeSegment(Bytes(count * TopKCodec.EntryBytes), count, segment);
        _kept -= count;
        if (_kept != 0 && _decoded + segment.Length == _header.Length)
        {
            throw new DeltaFormatException($"{_kept} of its elements belong nowhere");
        }
    }

    private ReadOnlySpan<byte> Bytes(long count)
    {
        Span<byte> bytes = _bytes.AsSpan(0, checked((int)count));
        return _stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) == bytes.Length
            ? bytes
            : throw new DeltaFormatException("it became shorter while it was read");
    }
}
