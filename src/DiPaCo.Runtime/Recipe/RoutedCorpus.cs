using System.Collections.Frozen;
using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>The corpus as shards, one a path.</summary>
/// <param name="Router">The router's blob.</param>
/// <param name="Features">Features of each chunk of the corpus.</param>
/// <param name="Chunks">Each path's token chunks, all splits.</param>
/// <param name="Sizes">Each path's numbers, in order of path ids.</param>
internal sealed record RoutedCorpus(
    BlobHash Router, ImmutableArray<BlobHash> Features, ImmutableSortedDictionary<PathId, ImmutableArray<BlobHash>> Chunks,
    ImmutableArray<ShardSize> Sizes)
{
    private readonly FrozenDictionary<PathId, ShardSize> _sizeOf = Sizes.ToFrozenDictionary(size => size.Path);

    /// <summary>Floating-point operations of everything that led to these shards: features, clusters, and of all rounds so far the documents scored under the paths and the classifiers.</summary>
    public double Flops { get; init; }

    /// <summary>The run's first router, which later ones may be drawn towards.</summary>
    public required BlobHash FirstRouter { get; init; }

    public IEnumerable<BlobHash> Blobs => [Router, FirstRouter, .. Features, .. Chunks.Values.SelectMany(chunks => chunks)];

    public ShardSize SizeOf(PathId path) => _sizeOf[path];
}
