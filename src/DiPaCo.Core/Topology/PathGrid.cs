using System.Collections.Immutable;

namespace DiPaCo.Core;

/// <summary>The mixed-radix numbering of paths: expert choices (first level most significant), then the replica.</summary>
public sealed class PathGrid
{
    private readonly ImmutableArray<int> _experts;

    /// <summary>Creates the numbering.</summary>
    /// <param name="experts">Experts K_l of each level, each at least 1.</param>
    /// <param name="replicas">Paths per combination, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A radix is below 1, or the product exceeds 2^31 − 1.</exception>
    public PathGrid(IEnumerable<int> experts, int replicas)
    {
        _experts = [.. experts];
        Replicas = replicas;
        ArgumentOutOfRangeException.ThrowIfLessThan(replicas, 1);
        long count = replicas;
        foreach (int radix in _experts)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(radix, 1, nameof(experts));
            count *= radix;
            ArgumentOutOfRangeException.ThrowIfGreaterThan(count, int.MaxValue, nameof(experts));
        }

        Count = (int)count;
    }

    /// <summary>Experts of each level.</summary>
    public ImmutableArray<int> Experts => _experts;

    /// <summary>Paths per combination of experts.</summary>
    public int Replicas { get; }

    /// <summary>Number of paths of the full product, P = ∏ K_l · replicas.</summary>
    public int Count { get; }

    /// <summary>The path of a choice of experts, one per level.</summary>
    public PathId IdOf(ReadOnlySpan<int> choice, int replica = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(choice.Length, _experts.Length);
        int id = 0;
        for (int level = 0; level < choice.Length; level++)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(choice[level], nameof(choice));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(choice[level], _experts[level], nameof(choice));
            id = (id * _experts[level]) + choice[level];
        }

        ArgumentOutOfRangeException.ThrowIfNegative(replica);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(replica, Replicas);
        return new PathId((id * Replicas) + replica);
    }

    /// <summary>The expert of each level that a path uses.</summary>
    public ImmutableArray<int> ExpertsOf(PathId path)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(path.Value, nameof(path));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(path.Value, Count, nameof(path));
        int rest = path.Value / Replicas;
        int[] choice = new int[_experts.Length];
        for (int level = choice.Length - 1; level >= 0; level--)
        {
            (rest, choice[level]) = Math.DivRem(rest, _experts[level]);
        }

        return [.. choice];
    }
}
