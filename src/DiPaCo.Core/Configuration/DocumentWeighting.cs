namespace DiPaCo.Core.Configuration;

/// <summary>What a scored document weighs when a discriminative router is fitted.</summary>
public enum DocumentWeighting
{
    /// <summary>By how much its best path is ahead of its second best, in nats: where it does not matter, it does not count.</summary>
    Regret,

    /// <summary>By its tokens.</summary>
    Tokens,

    /// <summary>All the same (paper §7.2.1).</summary>
    Documents,
}
