namespace DiPaCo.Core;

/// <summary>Kinds of <see cref="TransformerPart"/>.</summary>
public enum TransformerPartKind
{
    /// <summary>Token embedding.</summary>
    Embedding,

    /// <summary>One attention and feed-forward block.</summary>
    Block,

    /// <summary>Final norm and output matrix.</summary>
    Head,
}
