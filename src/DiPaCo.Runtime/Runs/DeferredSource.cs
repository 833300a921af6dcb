using DiPaCo.Data;

namespace DiPaCo.Runtime;

/// <summary>Text that is looked for when it is asked for, and need not be there otherwise.</summary>
/// <param name="open">Finds it.</param>
internal sealed class DeferredSource(Func<IDocumentSource> open) : IDocumentSource
{
    private readonly Lazy<IDocumentSource> _source = new(open);

    public string Description => _source.Value.Description;

    public string? Remark => _source.Value.Remark;

    public IAsyncEnumerable<Document> ReadAsync(CorpusReport report, CancellationToken cancellationToken) =>
        _source.Value.ReadAsync(report, cancellationToken);
}
