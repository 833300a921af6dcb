namespace DiPaCo.Data;

/// <summary>Something that yields documents, lazily and in an order that depends on nothing but its contents.</summary>
public interface IDocumentSource
{
    /// <summary>One line for a person: what is read from where.</summary>
    string Description { get; }

    /// <summary>What a person should know about how this text was understood; null where there is nothing to say.</summary>
    string? Remark { get; }

    /// <summary>
    /// Reads every document once, in order. Can be called again; each call starts over.
    /// </summary>
    /// <param name="report">Is told what was read and what was bad, while reading.</param>
    /// <param name="cancellationToken">Stops between documents.</param>
    /// <exception cref="DiPaCo.Core.DiPaCoException">A file cannot be read, or too many of its records are bad.</exception>
    IAsyncEnumerable<Document> ReadAsync(CorpusReport report, CancellationToken cancellationToken);
}
