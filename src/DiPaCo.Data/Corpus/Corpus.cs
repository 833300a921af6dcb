using System.Runtime.CompilerServices;

namespace DiPaCo.Data;

/// <summary>
/// Text files of a user. Reading is lazy and holds one record at a time (one row group for Parquet), so a corpus may be larger than memory;
/// its order depends on the files' names and contents alone.
/// </summary>
public sealed class Corpus : IDocumentSource
{
    private readonly CorpusOptions _options;

    private Corpus(CorpusOptions options, IReadOnlyList<CorpusFile> files)
    {
        _options = options;
        Files = files;
    }

    /// <summary>The files, in the order in which they are read.</summary>
    public IReadOnlyList<CorpusFile> Files { get; }

    /// <inheritdoc/>
    public string Description => $"{string.Join(", ", _options.Paths)} ({Files.Count} {(Files.Count == 1 ? "file" : "files")})";

    /// <inheritdoc/>
    public string? Remark { get; private init; }

    /// <summary>Finds the files; reads nothing of them yet.</summary>
    /// <param name="options">Where they are, and how they are read.</param>
    /// <param name="remark">The source's <see cref="Remark"/>.</param>
    /// <exception cref="Core.DiPaCoException">A path does not exist or has no readable file.</exception>
    public static Corpus Open(CorpusOptions options, string? remark = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(options.MaximumBadShare);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.MaximumRecordBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.MaximumRecordBytes, 1 << 30);
        ArgumentOutOfRangeException.ThrowIfNegative(options.TextPartsPerOrigin);
        return new Corpus(options, CorpusPaths.Resolve(options.Paths)) { Remark = remark };
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<Document> ReadAsync(CorpusReport report, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (CorpusFile file in Files)
        {
            await foreach (Document document in ReadAsync(file, report, cancellationToken))
            {
                yield return document;
            }
        }

        ThrowIfUnfit(report);
    }

    /// <summary>Reads one file of the corpus.</summary>
    internal async IAsyncEnumerable<Document> ReadAsync(CorpusFile file, CorpusReport report, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        report.FileBegun();
        await foreach (Document document in Records(file, report, cancellationToken))
        {
            report.Read(document);
            yield return document;
        }
    }

    /// <summary>Whether the whole corpus, read to its end, can be used.</summary>
    /// <exception cref="Core.DiPaCoException">The share of bad records is beyond the allowed one, or no record names its original.</exception>
    internal void ThrowIfUnfit(CorpusReport report)
    {
        report.ThrowIfBeyond(_options.MaximumBadShare);
        if (_options.RequiresOrigin)
        {
            report.ThrowIfNoOrigin(_options.OriginField);
        }
    }

    private IAsyncEnumerable<Document> Records(CorpusFile file, CorpusReport report, CancellationToken cancellationToken) => file.Format switch
    {
        CorpusFormat.Text => TextFileReader.ReadAsync(file, _options, cancellationToken),
        CorpusFormat.JsonLines => JsonLinesReader.ReadAsync(file, _options, report, cancellationToken),
        _ => ParquetFileReader.ReadAsync(file, _options, report, cancellationToken),
    };
}
