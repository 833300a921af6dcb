using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Routing;

/// <summary>documents × router → shards: which documents each path trains on (paper §2.4).</summary>
public sealed class ShardAssignment
{
    private ShardAssignment(ImmutableArray<PathId> paths, ImmutableArray<ImmutableArray<int>> shards, int documents, int moved)
    {
        Paths = paths;
        Shards = shards;
        Documents = documents;
        Moved = moved;
    }

    /// <summary>The paths, in order of their ids.</summary>
    public ImmutableArray<PathId> Paths { get; }

    /// <summary>The documents of each path, ascending; shard p belongs to <c>Paths[p]</c>. None is empty.</summary>
    public ImmutableArray<ImmutableArray<int>> Shards { get; }

    /// <summary>Number of documents.</summary>
    public int Documents { get; }

    /// <summary>How often a document was taken from its best path, to bound a large shard or to refill a small one.</summary>
    public int Moved { get; }

    /// <summary>Assigns documents to shards: best path, then the capacity, then the minimum share, then overlap.</summary>
    /// <exception cref="DiPaCoException">There are fewer documents than paths.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public static ShardAssignment Of(IRouter router, RouterInput input, ShardOptions options, CancellationToken cancellationToken = default)
    {
        Validate(router, input, options);
        int paths = router.Paths.Length;
        DocumentChoices choices = DocumentChoices.Best(router, input, options.Threads, cancellationToken);
        int moved = options.CapacityFactor is { } factor ? Limit(router, input, choices, factor, options, cancellationToken) : 0;
        moved += MinimumShare.Refill(
            router, input, choices, MinimumShare.DocumentsOf(options.MinimumShare, input.Documents, paths), options.Threads, cancellationToken);
        int[][] further = Overlap.Further(router, input, choices, options.Overlap - 1, options.Threads, cancellationToken);
        return new ShardAssignment(router.Paths, Collect(choices.Path, further, paths), input.Documents, moved);
    }

    private static int Limit(
        IRouter router, RouterInput input, DocumentChoices choices, double factor, ShardOptions options, CancellationToken cancellationToken)
    {
        int limit = CapacityLimit.DocumentsOf(factor, input.Documents, router.Paths.Length);
        return options.Balance == ShardBalance.Greedy
            ? GreedyFill.Apply(router, input, choices, limit, options.Threads, cancellationToken)
            : CapacityLimit.Apply(router, input, choices, limit, options.Threads, cancellationToken);
    }

    private static ImmutableArray<ImmutableArray<int>> Collect(int[] pathOf, int[][] further, int paths)
    {
        var shards = new ImmutableArray<int>.Builder[paths];
        for (int path = 0; path < paths; path++)
        {
            shards[path] = ImmutableArray.CreateBuilder<int>();
        }

        for (int document = 0; document < pathOf.Length; document++)
        {
            shards[pathOf[document]].Add(document);
            foreach (int[] choice in further)
            {
                shards[choice[document]].Add(document);
            }
        }

        return [.. shards.Select(shard => shard.ToImmutable())];
    }

    private static void Validate(IRouter router, RouterInput input, ShardOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Threads, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Overlap, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Overlap, router.Paths.Length);
        ThrowIfNot(options.MinimumShare is >= 0 and <= 1, nameof(options.MinimumShare), options.MinimumShare, "0 to 1");
        ThrowIfNot(options.CapacityFactor is null or >= 1, nameof(options.CapacityFactor), options.CapacityFactor, "at least 1");
        TooFewDocuments.Refuse(input.Documents, router.Paths.Length);
    }

    private static void ThrowIfNot(bool valid, string option, double? value, string expected)
    {
        if (!valid)
        {
            throw new ArgumentOutOfRangeException(option, value, $"{expected} was expected.");
        }
    }
}
