using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Routing;

/// <summary>
/// Chooses by a hash of the document's origin: DiLoCo's shards, and the lower bound for every other router. The score of
/// a path is a hash of (seed, origin, path), as in rendezvous hashing: uniform, the same wherever the document appears,
/// and parts of one original stay together.
/// </summary>
public sealed class RandomRouter : IRouter
{
    /// <summary>The kind of stored random routers.</summary>
    public const string KindName = "random";

    private readonly ulong _salt;

    /// <summary>Creates the router.</summary>
    /// <param name="paths">The paths, in order of their ids.</param>
    /// <param name="seed">Pseudo-random seed.</param>
    public RandomRouter(ImmutableArray<PathId> paths, long seed)
    {
        RouterPaths.ThrowIfInvalid(paths);
        Paths = paths;
        Seed = seed;
        _salt = new RandomStream(seed, "random-router").NextUInt64();
    }

    /// <summary>Pseudo-random seed.</summary>
    public long Seed { get; }

    /// <inheritdoc/>
    public string Kind => KindName;

    /// <inheritdoc/>
    public ImmutableArray<PathId> Paths { get; }

    /// <inheritdoc/>
    public int PrefixTokens => 0;

    /// <inheritdoc/>
    public int FeatureWidth => 0;

    /// <inheritdoc/>
    public void Score(RouterInput input, int first, int count, Span<float> scores)
    {
        ReadOnlySpan<ulong> origins = input.Origins.Slice(first, count);
        for (int document = 0; document < count; document++)
        {
            ulong origin = Mix(origins[document] ^ _salt);
            for (int path = 0; path < Paths.Length; path++)
            {
                // The upper 24 bits are what a 32-bit number in [0, 1) holds exactly.
                ulong bits = Mix(origin + (0x9E3779B97F4A7C15UL * (ulong)(Paths[path].Value + 1L)));
                scores[(document * Paths.Length) + path] = (bits >> 40) * (1f / (1 << 24));
            }
        }
    }

    // The finaliser of SplitMix64: every bit of the result depends on every bit of the input.
    private static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9UL;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EBUL;
        return x ^ (x >> 31);
    }
}
