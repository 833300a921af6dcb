namespace DiPaCo.Core.Configuration;

/// <summary>Who chooses the path of a chunk when documents are re-routed (paper §2.4.3, §7.2.2).</summary>
public enum ReroutingRouter
{
    /// <summary>The router of documents, on the tokens just before the chunk, as many as a prefix has, taken for a document's beginning: the cheapest, nothing is trained for it.</summary>
    Prefix,

    /// <summary>The router of documents, on the mean feature of the chunk before, in the context that it stands in (paper §2.4.3).</summary>
    Chunk,

    /// <summary>The router of documents, on the mean feature of all of the document before the chunk.</summary>
    Document,

    /// <summary>A transformer, fine-tuned from the base model, that predicts a path at every token.</summary>
    Token,

    /// <summary><see cref="Document"/> and <see cref="Token"/>, each measured by itself.</summary>
    Both,

    /// <summary>All four, each measured by itself.</summary>
    All,
}
