using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Unicode;
using DiPaCo.Core;

namespace DiPaCo.Data;

/// <summary>Reads plain text: one document per file, or several of one origin where the file is long.</summary>
internal static class TextFileReader
{
    // Real text has hardly any control characters besides tab, line feed, form feed and carriage return.
    private const double MaximumControlShare = 0.02;

    public static async IAsyncEnumerable<Document> ReadAsync(
        CorpusFile file, CorpusOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using Stream stream = CorpusStream.Open(file);
        int limit = Math.Clamp(options.TextPartBytes, 64, options.MaximumRecordBytes);
        byte[] buffer = new byte[limit + 4];
        int filled = 0;
        int part = 0;
        long offset = 0;
        long linesBefore = 0;
        bool ended = false;
        while (!ended)
        {
            while (filled < buffer.Length && !ended)
            {
                int read = await CorpusStream.ReadAsync(file, stream, buffer.AsMemory(filled), cancellationToken);
                ended = read == 0;
                filled += read;
            }

            int skip = offset == 0 ? SkipByteOrderMark(file, buffer.AsSpan(0, filled)) : 0;
            int length = ended && filled <= limit ? filled : TextCut.Find(buffer.AsSpan(0, Math.Min(filled, limit)));
            ended = ended && length == filled;
            string text = Decode(file, buffer.AsSpan(skip, length - skip), offset + skip, linesBefore);
            if (!string.IsNullOrWhiteSpace(text))
            {
                bool whole = part == 0 && ended;
                int group = options.TextPartsPerOrigin > 0 ? part / options.TextPartsPerOrigin : 0;
                string origin = group == 0 ? file.Name : $"{file.Name}:{group}";
                yield return new Document(text, origin, file.Folder, whole ? file.Name : $"{file.Name}:part {part + 1}");
            }

            part++;
            offset += length;
            linesBefore += buffer.AsSpan(0, length).Count((byte)'\n');
            buffer.AsSpan(length, filled - length).CopyTo(buffer);
            filled -= length;
        }
    }

    private static int SkipByteOrderMark(CorpusFile file, ReadOnlySpan<byte> start)
    {
        if (start.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]) || start.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]))
        {
            throw new DiPaCoException($"The corpus file {file.FullPath} is UTF-16, not UTF-8. Convert it: iconv -f utf-16 -t utf-8.");
        }

        return start.StartsWith("\uFEFF"u8) ? 3 : 0;
    }

    private static string Decode(CorpusFile file, ReadOnlySpan<byte> bytes, long offset, long linesBefore)
    {
        int nul = bytes.IndexOf((byte)0);
        int control = 0;
        foreach (byte value in bytes)
        {
            control += value < 0x20 && value is not ((byte)'\t' or (byte)'\n' or (byte)'\r' or (byte)'\f') ? 1 : 0;
        }

        if (nul >= 0 || control > MaximumControlShare * bytes.Length)
        {
            string sign = nul >= 0 ? $"a NUL byte at offset {offset + nul}" : $"{control} control characters in {bytes.Length} bytes";
            throw new DiPaCoException($"The corpus file {file.FullPath} is not text: {sign}. Remove it from the corpus, or give it its true ending.");
        }

        if (!Utf8.IsValid(bytes))
        {
            int bad = InvalidAt(bytes);
            long line = linesBefore + bytes[..bad].Count((byte)'\n') + 1;
            throw new DiPaCoException($"The corpus file {file.FullPath} is not UTF-8: byte 0x{bytes[bad]:X2} at line {line}. Convert it, for example: iconv -f latin1 -t utf-8.");
        }

        return Encoding.UTF8.GetString(bytes);
    }

    private static int InvalidAt(ReadOnlySpan<byte> bytes)
    {
        int at = 0;
        while (Rune.DecodeFromUtf8(bytes[at..], out _, out int consumed) == System.Buffers.OperationStatus.Done)
        {
            at += consumed;
        }

        return at;
    }
}
