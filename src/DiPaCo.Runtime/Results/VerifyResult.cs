using System.Collections.Immutable;

namespace DiPaCo.Runtime;

/// <summary>What re-hashing a run found.</summary>
public sealed record VerifyResult
{
    /// <summary>Digest of the latest complete set of modules; null before the first.</summary>
    public string? ModelDigest { get; init; }

    /// <summary>Blobs read.</summary>
    public required long Blobs { get; init; }

    /// <summary>Their bytes.</summary>
    public required long Bytes { get; init; }

    /// <summary>Whatever is missing or damaged; empty when the run is sound.</summary>
    public ImmutableArray<Damage> Damaged { get; init; } = [];

    /// <summary>Whether nothing is left to repair.</summary>
    public bool IsSound => Damaged.All(damage => damage.Repaired);
}
