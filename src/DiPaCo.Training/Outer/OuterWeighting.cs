using System.Collections.Immutable;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Training;

/// <summary>The weights α_i of the paths through one module (paper Eq. 2–3) and the factor on their average (§2.7).</summary>
public static class OuterWeighting
{
    /// <summary>
    /// Weights that add up to 1 over the paths <b>through this module</b>, so that every module has the same effective step
    /// whatever its share of the data.
    /// </summary>
    /// <param name="weights">The rule.</param>
    /// <param name="shardTokens">Scored tokens in the shard of each path through the module, in order of path ids.</param>
    /// <exception cref="ArgumentException">There is no path, or no token in any shard.</exception>
    public static ImmutableArray<double> Normalise(OuterWeights weights, IReadOnlyList<long> shardTokens)
    {
        if (shardTokens.Count == 0)
        {
            throw new ArgumentException("A module needs at least one path through it.", nameof(shardTokens));
        }

        if (weights == OuterWeights.Uniform)
        {
            return [.. shardTokens.Select(_ => 1.0 / shardTokens.Count)];
        }

        long total = shardTokens.Sum();
        if (total <= 0)
        {
            throw new ArgumentException("Every shard of the module is empty.", nameof(shardTokens));
        }

        return [.. shardTokens.Select(tokens => (double)tokens / total)];
    }

    /// <summary>The factor on the averaged outer gradient of a module.</summary>
    /// <param name="rescaling">The rule.</param>
    /// <param name="paths">Paths through the module, P_{l,e}.</param>
    /// <param name="maxPaths">The largest number of paths through any module of the model.</param>
    public static double Scale(OuterRescaling rescaling, int paths, int maxPaths) => rescaling switch
    {
        OuterRescaling.SquareRoot => Math.Sqrt(paths),
        OuterRescaling.Relative => Math.Sqrt((double)paths / maxPaths),
        _ => 1.0,
    };
}
