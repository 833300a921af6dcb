using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace DiPaCo.Training.Codecs;

/// <summary>An encoded delta in a file, decoded piece by piece from front to back, so that it is never in memory as a whole.</summary>
public sealed class DeltaFile : IDisposable
{
    // A whole number of blocks of every encoding, and one of the segments of TopKCodec.
    private const int SegmentElements = 1 << 16;

    private readonly SafeFileHandle _file;
    private readonly DeltaHeader _header;
    private readonly float[] _segment;
    private readonly byte[] _bytes;
    private long _position = DeltaHeader.Bytes;
    private long _decoded;
    private int _left;
    private long _kept;

    /// <summary>Opens a file, and judges it as a whole before anything is decoded.</summary>
    /// <param name="path">The file.</param>
    /// <param name="length">Elements that are expected.</param>
    /// <exception cref="DeltaFormatException">It is damaged, hostile, or of a delta of another length.</exception>
    public DeltaFile(string path, long length)
    {
        _file = File.OpenHandle(path);
        try
        {
            _header = DeltaHeader.Read(_file);
            if (_header.Length != length)
            {
                throw new DeltaFormatException($"it has {_header.Length} elements, expected {length}");
            }
        }
        catch
        {
            _file.Dispose();
            throw;
        }

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
    public void Dispose() => _file.Dispose();

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
        for (int read = 0; read < bytes.Length;)
        {
            int more = RandomAccess.Read(_file, bytes[read..], _position + read);
            read += more > 0 ? more : throw new DeltaFormatException("it became shorter while it was read");
        }

        _position += count;
        return bytes;
    }
}
