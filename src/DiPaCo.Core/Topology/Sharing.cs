namespace DiPaCo.Core;

/// <summary>Which paths use one copy of a part of the model (paper §2.6.1).</summary>
public enum Sharing
{
    /// <summary>One of K modules, chosen by the path's expert of the level.</summary>
    Level,

    /// <summary>One module for all paths.</summary>
    Shared,

    /// <summary>One module per path.</summary>
    Private,
}
