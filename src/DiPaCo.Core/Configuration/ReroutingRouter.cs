namespace DiPaCo.Core.Configuration;

/// <summary>Who chooses the path of a chunk when documents are re-routed (paper §2.4.3, §7.2.2).</summary>
public enum ReroutingRouter
{
    /// <summary>The router of documents, on the features of the tokens just before the chunk: cheap, nothing is trained for it.</summary>
    Prefix,

    /// <summary>A transformer, fine-tuned from the base model, that predicts a path at every token.</summary>
    Token,

    /// <summary>Both, each measured by itself.</summary>
    Both,
}
