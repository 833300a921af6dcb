namespace DiPaCo.Serving.Inference;

/// <summary>Which positions of a slice want logits.</summary>
internal enum LogitRows
{
    /// <summary>None: the slice only fills the cache.</summary>
    None,

    /// <summary>The last one, to draw the next token.</summary>
    Last,

    /// <summary>All of them.</summary>
    All,
}
