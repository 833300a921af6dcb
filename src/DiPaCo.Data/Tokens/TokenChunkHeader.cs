using System.Buffers.Binary;

namespace DiPaCo.Data;

/// <summary>The counts at the start of a chunk.</summary>
internal readonly record struct TokenChunkHeader(int VocabularySize, int DocumentCount, int SourceCount, int SourceBytes, long TokenCount)
{
    public int TokenBytes => TokenChunkFormat.TokenBytes(VocabularySize);

    public long SourcesAt => TokenChunkFormat.HeaderBytes + ((long)TokenChunkFormat.EntryBytes * DocumentCount);

    public long TokensAt => TokenChunkFormat.Aligned(SourcesAt + SourceBytes);

    public long FileBytes => TokensAt + (TokenCount * TokenBytes);

    public void Write(Span<byte> to)
    {
        to[..TokenChunkFormat.HeaderBytes].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(to, TokenChunkFormat.Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(to[8..], TokenChunkFormat.Version);
        BinaryPrimitives.WriteInt32LittleEndian(to[12..], TokenBytes);
        BinaryPrimitives.WriteInt32LittleEndian(to[16..], VocabularySize);
        BinaryPrimitives.WriteInt32LittleEndian(to[20..], DocumentCount);
        BinaryPrimitives.WriteInt32LittleEndian(to[24..], SourceCount);
        BinaryPrimitives.WriteInt32LittleEndian(to[28..], SourceBytes);
        BinaryPrimitives.WriteInt64LittleEndian(to[32..], TokenCount);
    }

    /// <summary>Reads and checks a header against the file's length; the reason why it is wrong, or null.</summary>
    public static string? Read(ReadOnlySpan<byte> file, long fileBytes, out TokenChunkHeader header)
    {
        header = default;
        if (fileBytes < TokenChunkFormat.HeaderBytes || BinaryPrimitives.ReadUInt64LittleEndian(file) != TokenChunkFormat.Magic)
        {
            return "it does not begin as a token chunk does";
        }

        uint version = BinaryPrimitives.ReadUInt32LittleEndian(file[8..]);
        if (version != TokenChunkFormat.Version)
        {
            return $"its version is {version}, this program reads {TokenChunkFormat.Version}";
        }

        var read = new TokenChunkHeader(
            BinaryPrimitives.ReadInt32LittleEndian(file[16..]),
            BinaryPrimitives.ReadInt32LittleEndian(file[20..]),
            BinaryPrimitives.ReadInt32LittleEndian(file[24..]),
            BinaryPrimitives.ReadInt32LittleEndian(file[28..]),
            BinaryPrimitives.ReadInt64LittleEndian(file[32..]));
        bool possible = read.VocabularySize > 0 && read.DocumentCount >= 0 && read.SourceCount >= 0 && read.SourceBytes >= 0
            && read.TokenCount >= 0 && read.TokenCount <= fileBytes
            && BinaryPrimitives.ReadInt32LittleEndian(file[12..]) == read.TokenBytes
            && !file[40..TokenChunkFormat.HeaderBytes].ContainsAnyExcept((byte)0);
        if (!possible || read.FileBytes != fileBytes)
        {
            return $"its header does not agree with its length of {fileBytes} bytes (truncated or damaged)";
        }

        header = read;
        return null;
    }
}
