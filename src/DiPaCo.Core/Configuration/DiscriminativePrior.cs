namespace DiPaCo.Core.Configuration;

/// <summary>What a discriminative router starts from, and is drawn towards where the scored documents say little.</summary>
public enum DiscriminativePrior
{
    /// <summary>The first router of the run, in every round.</summary>
    Generative,

    /// <summary>The router so far: the first one, then that of the round before.</summary>
    Previous,

    /// <summary>Nothing: a classifier from scratch, as in the paper (§7.2.1).</summary>
    None,
}
