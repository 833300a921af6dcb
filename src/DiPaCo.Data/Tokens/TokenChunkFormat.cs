using System.Buffers.Binary;

namespace DiPaCo.Data;

/// <summary>
/// The layout of a chunk file, little-endian: a header of 64 bytes (magic, version, bytes per token, vocabulary size, counts, zeros);
/// the documents, 32 bytes each; the names of sources, each its length (32 bits) and UTF-8 bytes; zeros up to a multiple of 8; the tokens.
/// </summary>
internal static class TokenChunkFormat
{
    public const ulong Magic = 0x6B546F4361506944; // "DiPaCoTk"
    public const uint Version = 1;
    public const int HeaderBytes = 64;
    public const int EntryBytes = 32;
    public const int MaximumSourceNameBytes = 4096;

    /// <summary>Two bytes where every token id fits.</summary>
    public static int TokenBytes(int vocabularySize) => vocabularySize <= 1 << 16 ? 2 : 4;

    public static long Aligned(long length) => (length + 7) & ~7L;

    public static void WriteEntry(Span<byte> to, in DocumentEntry entry)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(to, entry.OriginHash);
        BinaryPrimitives.WriteInt64LittleEndian(to[8..], entry.TokenOffset);
        BinaryPrimitives.WriteInt32LittleEndian(to[16..], entry.TokenCount);
        BinaryPrimitives.WriteInt32LittleEndian(to[20..], entry.ByteCount);
        BinaryPrimitives.WriteInt32LittleEndian(to[24..], entry.Source);
        BinaryPrimitives.WriteInt32LittleEndian(to[28..], (int)entry.Split);
    }

    public static DocumentEntry ReadEntry(ReadOnlySpan<byte> from) => new(
        BinaryPrimitives.ReadUInt64LittleEndian(from),
        BinaryPrimitives.ReadInt32LittleEndian(from[24..]),
        (Split)BinaryPrimitives.ReadInt32LittleEndian(from[28..]),
        BinaryPrimitives.ReadInt64LittleEndian(from[8..]),
        BinaryPrimitives.ReadInt32LittleEndian(from[16..]),
        BinaryPrimitives.ReadInt32LittleEndian(from[20..]));
}
