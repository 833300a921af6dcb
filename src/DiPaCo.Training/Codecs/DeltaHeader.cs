using System.Buffers.Binary;

namespace DiPaCo.Training.Codecs;

/// <summary>
/// The first 24 bytes of an encoded delta, little-endian: magic (4), version (1), encoding (1), zeros (2), elements (8), kept
/// elements (4; only <see cref="DeltaEncoding.TopK"/>), CRC-32C of all other bytes (4).
/// </summary>
/// <param name="Encoding">The kind.</param>
/// <param name="Length">Elements of the delta.</param>
/// <param name="Kept">Elements that are written down, where not all are.</param>
public readonly record struct DeltaHeader(DeltaEncoding Encoding, long Length, int Kept)
{
    /// <summary>The header's size.</summary>
    public const int Bytes = 24;

    private const uint Magic = 0x544C4544; // "DELT"
    private const byte Version = 1;
    private const int EncodingAt = 5;
    private const int ReservedAt = 6;
    private const int LengthAt = 8;
    private const int KeptAt = 16;
    private const int ChecksumAt = 20;
    private const int PieceBytes = 1 << 18;

    /// <summary>Reads a header and holds it against the bytes that follow, of which a piece at a time is in memory.</summary>
    /// <param name="encoded">The bytes from the first one on; read to the end.</param>
    /// <exception cref="DeltaFormatException">It is none, or the bytes do not match it.</exception>
    public static DeltaHeader Read(Stream encoded)
    {
        Span<byte> whole = stackalloc byte[Bytes];
        ReadOnlySpan<byte> head = whole[..encoded.ReadAtLeast(whole, Bytes, throwOnEndOfStream: false)];
        uint crc = Crc32C.Add(~0u, head[..Math.Min(head.Length, ChecksumAt)]);
        byte[] piece = new byte[PieceBytes];
        long bytes = head.Length;
        for (int read; (read = encoded.Read(piece)) > 0; bytes += read)
        {
            crc = Crc32C.Add(crc, piece.AsSpan(0, read));
        }

        if (head.Length < Bytes || BinaryPrimitives.ReadUInt32LittleEndian(head) != Magic)
        {
            throw new DeltaFormatException("it does not begin as one");
        }

        if (head[sizeof(uint)] != Version)
        {
            throw new DeltaFormatException($"its format has version {head[sizeof(uint)]}, this dipaco reads version {Version}");
        }

        if (~crc != BinaryPrimitives.ReadUInt32LittleEndian(head[ChecksumAt..]))
        {
            throw new DeltaFormatException("its bytes do not match its checksum");
        }

        // The checksum guards against accidents, what follows against intentions.
        DeltaHeader header = new(
            (DeltaEncoding)head[EncodingAt], BinaryPrimitives.ReadInt64LittleEndian(head[LengthAt..]), BinaryPrimitives.ReadInt32LittleEndian(head[KeptAt..]));
        header.ThrowUnlessItFits(BinaryPrimitives.ReadUInt16LittleEndian(head[ReservedAt..]), bytes);
        return header;
    }

    /// <summary>Writes the header of bytes that are complete but for it.</summary>
    internal void Write(Span<byte> encoded)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(encoded, Magic);
        encoded[sizeof(uint)] = Version;
        encoded[EncodingAt] = (byte)Encoding;
        BinaryPrimitives.WriteUInt16LittleEndian(encoded[ReservedAt..], 0);
        BinaryPrimitives.WriteInt64LittleEndian(encoded[LengthAt..], Length);
        BinaryPrimitives.WriteInt32LittleEndian(encoded[KeptAt..], Kept);
        BinaryPrimitives.WriteUInt32LittleEndian(encoded[ChecksumAt..], Crc32C.Of(encoded[..ChecksumAt], encoded[Bytes..]));
    }

    private void ThrowUnlessItFits(ushort reserved, long bytes)
    {
        if (Length is < 0 or > int.MaxValue)
        {
            throw new DeltaFormatException($"it claims {Length} elements");
        }

        if (reserved != 0 || Kept < 0 || Kept > Length || (Kept != 0 && Encoding != DeltaEncoding.TopK))
        {
            throw new DeltaFormatException("its header contradicts itself");
        }

        long expected = Encoding switch
        {
            DeltaEncoding.Fp32 => Fp32Codec.Bytes((int)Length),
            DeltaEncoding.Bf16 => Bf16Codec.Bytes((int)Length),
            DeltaEncoding.Int8 => Int8Codec.Bytes((int)Length),
            DeltaEncoding.Int4 => Int4Codec.Bytes((int)Length),
            DeltaEncoding.TopK => TopKCodec.Bytes((int)Length, Kept),
            _ => throw new DeltaFormatException($"it has the encoding {(byte)Encoding}, which is unknown"),
        };
        if (bytes != expected)
        {
            throw new DeltaFormatException($"it has {bytes} bytes, expected {expected} for {Length} elements");
        }
    }
}
