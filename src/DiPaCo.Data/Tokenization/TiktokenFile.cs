using System.Buffers;
using System.Buffers.Text;
using System.Text;
using DiPaCo.Core;

namespace DiPaCo.Data;

/// <summary>
/// Reads tiktoken files: one token a line, its bytes in base64 and its rank, which is its id. The file names neither pattern nor special
/// tokens: the pattern follows from the number of tokens, and the end of text takes the first free id.
/// </summary>
internal static class TiktokenFile
{
    private const string Cl100k = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const string O200k =
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|" +
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|" +
        @"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const int MaximumTokenBytes = 1 << 10;

    /// <summary>Whether the file begins with a line of base64, a space and a number.</summary>
    public static bool Looks(ReadOnlySpan<byte> file)
    {
        int end = file[..Math.Min(file.Length, 2 * MaximumTokenBytes)].IndexOf((byte)'\n');
        return TryParse(end < 0 ? file : file[..end], out _, out _);
    }

    public static TextTokenizer Read(ReadOnlyMemory<byte> file, string name)
    {
        List<(byte[] Bytes, int Rank)> entries = Parse(file.Span, name);
        int size = entries.Max(entry => entry.Rank) + 1;
        var tokens = new byte[]?[size + 1];
        int[] byteTokens = [.. Enumerable.Repeat(-1, 256)];
        foreach ((byte[] bytes, int rank) in entries)
        {
            tokens[rank] = tokens[rank] is null ? bytes : throw new DiPaCoException($"{name} gives the rank {rank} to two tokens.");
            if (bytes.Length == 1)
            {
                byteTokens[bytes[0]] = rank;
            }
        }

        if (Array.IndexOf(byteTokens, -1) is >= 0 and int missing)
        {
            throw new DiPaCoException($"{name} has no token for the byte 0x{missing:X2}; a tiktoken file has all 256.");
        }

        var model = new BpeModel
        {
            Tokens = tokens,
            ByteTokens = byteTokens,
            Merges = MergesOf(entries),
            Splitter = entries.Count <= 60_000 ? new Gpt2Splitter() : new RegexSplitter([PreTokenizerReader.Compile(entries.Count >= 190_000 ? O200k : Cl100k, name)], name),
            EndOfText = size,
            SpecialTokens = [new SpecialToken(HuggingFaceTokenizerWriter.EndOfText, size)],
            WholePiecesFirst = true,
        };
        return new ByteLevelBpe(model, file);
    }

    /// <summary>Every way to make a token of two others: tiktoken merges the pair whose result has the lowest rank.</summary>
    private static Dictionary<long, (int Rank, int Token)> MergesOf(List<(byte[] Bytes, int Rank)> entries)
    {
        // Latin-1 strings as keys: bytes with a ready-made comparison.
        var ranks = new Dictionary<string, int>(entries.Count, StringComparer.Ordinal);
        foreach ((byte[] bytes, int rank) in entries)
        {
            ranks[Encoding.Latin1.GetString(bytes)] = rank;
        }

        var merges = new Dictionary<long, (int, int)>(4 * entries.Count);
        var lookup = ranks.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach ((string token, int rank) in ranks)
        {
            for (int cut = 1; cut < token.Length; cut++)
            {
                if (lookup.TryGetValue(token.AsSpan(0, cut), out int left) && lookup.TryGetValue(token.AsSpan(cut), out int right))
                {
                    merges[BpeModel.Pair(left, right)] = (rank, rank);
                }
            }
        }

        return merges;
    }

    private static List<(byte[] Bytes, int Rank)> Parse(ReadOnlySpan<byte> file, string name)
    {
        var entries = new List<(byte[], int)>();
        int line = 0;
        while (!file.IsEmpty)
        {
            line++;
            int end = file.IndexOf((byte)'\n');
            ReadOnlySpan<byte> current = (end < 0 ? file : file[..end]).Trim(" \r\t"u8);
            file = end < 0 ? [] : file[(end + 1)..];
            if (current.IsEmpty)
            {
                continue;
            }

            if (!TryParse(current, out byte[] bytes, out int rank))
            {
                throw new DiPaCoException($"{name}, line {line}, is not a line of a tiktoken file: expected a token in base64, a space and its rank.");
            }

            entries.Add((bytes, rank));
        }

        return entries;
    }

    private static bool TryParse(ReadOnlySpan<byte> line, out byte[] bytes, out int rank)
    {
        bytes = [];
        rank = -1;
        line = line.Trim(" \r\t"u8);
        int space = line.IndexOf((byte)' ');
        if (space is <= 0 or > 2 * MaximumTokenBytes
            || !Utf8Parser.TryParse(line[(space + 1)..], out rank, out int consumed)
            || consumed != line.Length - space - 1
            || rank is < 0 or >= 1 << 21)
        {
            return false;
        }

        byte[] decoded = new byte[Base64.GetMaxDecodedFromUtf8Length(space)];
        bool good = Base64.DecodeFromUtf8(line[..space], decoded, out _, out int written) == OperationStatus.Done && written > 0;
        bytes = decoded[..(good ? written : 0)];
        return good;
    }
}
