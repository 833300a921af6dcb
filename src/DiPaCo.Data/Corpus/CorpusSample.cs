using System.Text;

namespace DiPaCo.Data;

/// <summary>A look at a corpus without reading all of it: about how much it is, and how long its documents are.</summary>
/// <param name="Documents">Documents, estimated unless <paramref name="IsWhole"/>.</param>
/// <param name="Bytes">UTF-8 bytes of their text, estimated unless <paramref name="IsWhole"/>.</param>
/// <param name="IsWhole">Whether everything was read.</param>
/// <param name="DocumentBytes">UTF-8 bytes of each document that was read.</param>
/// <param name="Text">The first documents, to measure a tokenizer with.</param>
public sealed record CorpusSample(long Documents, long Bytes, bool IsWhole, IReadOnlyList<int> DocumentBytes, string Text)
{
    private const long MostBytes = 16 << 20;
    private const int MostFiles = 16;
    private const int TextCharacters = 256 << 10;

    /// <summary>Reads at most 16 MiB of text from at most 16 files, spread evenly over the corpus, and extrapolates by the sizes of the files.</summary>
    /// <param name="source">The corpus. Any but a <see cref="Corpus"/> is taken to be small and read whole.</param>
    /// <param name="cancellationToken">Stops between documents.</param>
    /// <exception cref="Core.DiPaCoException">A file cannot be read, or too many of its records are bad.</exception>
    public static async Task<CorpusSample> TakeAsync(IDocumentSource source, CancellationToken cancellationToken)
    {
        Reading reading = new();
        CorpusReport report = new();
        if (source is not Corpus corpus)
        {
            (long documents, long bytes, bool ended) = await reading.ReadAsync(source.ReadAsync(report, cancellationToken), long.MaxValue);
            return reading.Result(documents, bytes, ended);
        }

        CorpusFile[] files = Spread(corpus.Files);
        double allDocuments = 0;
        double allBytes = 0;
        long fileBytes = 0;
        bool whole = files.Length == corpus.Files.Count;
        foreach (CorpusFile file in files)
        {
            long length = LengthOf(file);
            (long documents, long bytes, bool ended) = await reading.ReadAsync(
                corpus.ReadAsync(file, report, cancellationToken), MostBytes / files.Length);
            double inFile = ended || bytes == 0 ? bytes : Math.Max(bytes, length * Expansion(file));
            allBytes += inFile;
            allDocuments += bytes == 0 ? 0 : documents * inFile / bytes;
            fileBytes += length;
            whole &= ended;
        }

        if (whole)
        {
            corpus.ThrowIfUnfit(report);
        }

        double scale = files.Length == corpus.Files.Count || fileBytes == 0 ? 1 : (double)corpus.Files.Sum(LengthOf) / fileBytes;
        return reading.Result((long)Math.Round(allDocuments * scale), (long)Math.Round(allBytes * scale), whole);
    }

    private static CorpusFile[] Spread(IReadOnlyList<CorpusFile> files)
    {
        int count = Math.Min(MostFiles, files.Count);
        return [.. Enumerable.Range(0, count).Select(i => files[(int)((long)i * files.Count / count)])];
    }

    /// <summary>About how many bytes of text a byte of the file holds: packed English text.</summary>
    private static double Expansion(CorpusFile file) => file switch
    {
        { Compression: not CorpusCompression.None } => 2.7,
        { Format: CorpusFormat.Parquet } => 1.8,
        { Format: CorpusFormat.JsonLines } => 0.95,
        _ => 1,
    };

    // A file that vanished in between has no length; whoever reads it says so.
    private static long LengthOf(CorpusFile file) => new FileInfo(file.FullPath) is { Exists: true } info ? info.Length : 0;

    /// <summary>What was read so far.</summary>
    private sealed class Reading
    {
        private readonly List<int> _lengths = [];
        private readonly StringBuilder _text = new();

        public async Task<(long Documents, long Bytes, bool Ended)> ReadAsync(IAsyncEnumerable<Document> documents, long most)
        {
            long count = 0;
            long bytes = 0;
            await foreach (Document document in documents)
            {
                int length = TextTokenizer.CountBytes(document.Text);
                _lengths.Add(length);
                _text.Append(document.Text.AsSpan(0, Math.Min(document.Text.Length, TextCharacters - _text.Length)));
                count++;
                bytes += length;
                if (bytes >= most)
                {
                    return (count, bytes, false);
                }
            }

            return (count, bytes, true);
        }

        public CorpusSample Result(long documents, long bytes, bool whole) => new(documents, bytes, whole, _lengths, _text.ToString());
    }
}
