using System.Collections.Immutable;

namespace DiPaCo.Routing;

/// <summary>How even and how pure shards are.</summary>
/// <param name="Sizes">Documents of each shard.</param>
/// <param name="Entropy">Entropy of the shard of a random placement, in bits; log₂ P when all shards are equal.</param>
/// <param name="Purity">Share of placements whose source is the most frequent one of their shard; null where sources are unknown.</param>
/// <param name="SourceEntropy">Entropy of the source given the shard, in bits, mean over the placements; null where sources are unknown.</param>
/// <param name="Confusion">Placements of each shard by source; empty where sources are unknown.</param>
public sealed record ShardStatistics(
    ImmutableArray<int> Sizes, double Entropy, double? Purity, double? SourceEntropy, ImmutableArray<ImmutableArray<int>> Confusion)
{
    /// <summary>The number of equal shards that would have the same entropy.</summary>
    public double EffectiveShards => Math.Pow(2, Entropy);

    /// <summary>Statistics of sizes alone.</summary>
    public static ShardStatistics Of(ShardAssignment assignment)
    {
        ImmutableArray<int> sizes = [.. assignment.Shards.Select(shard => shard.Length)];
        return new ShardStatistics(sizes, EntropyOf(sizes), null, null, []);
    }

    /// <summary>Statistics of sizes and sources.</summary>
    /// <param name="assignment">The shards.</param>
    /// <param name="sources">The source of each document, numbered from 0.</param>
    public static ShardStatistics Of(ShardAssignment assignment, ReadOnlySpan<int> sources)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(sources.Length, assignment.Documents, nameof(sources));
        int count = 0;
        foreach (int source in sources)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(source, nameof(sources));
            count = Math.Max(count, source + 1);
        }

        var confusion = ImmutableArray.CreateBuilder<ImmutableArray<int>>();
        double placements = 0;
        double largest = 0;
        double entropy = 0;
        foreach (ImmutableArray<int> shard in assignment.Shards)
        {
            int[] counts = new int[count];
            foreach (int document in shard)
            {
                counts[sources[document]]++;
            }

            placements += shard.Length;
            largest += counts.Max();
            entropy += shard.Length * EntropyOf(counts);
            confusion.Add(ImmutableArray.Create(counts));
        }

        return Of(assignment) with { Purity = largest / placements, SourceEntropy = entropy / placements, Confusion = confusion.ToImmutable() };
    }

    private static double EntropyOf(IReadOnlyCollection<int> counts)
    {
        double total = counts.Sum(count => (double)count);
        return counts.Where(count => count > 0).Sum(count => -(count / total) * Math.Log2(count / total));
    }
}
