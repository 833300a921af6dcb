namespace DiPaCo.Routing;

/// <summary>
/// Bounds the size of shards as SMALLTALK does: documents in order of their best score, the highest first and the lowest document among
/// equals, each to its best shard that is not full yet. Only a document's few best shards are kept in memory; where all of them
/// are full, the rest of the documents is scored anew, without the full shards, and the filling goes on where it stopped.
/// </summary>
internal static class GreedyFill
{
    private const int Kept = 8;

    /// <summary>Moves documents so that no shard is above the limit.</summary>
    /// <returns>Documents that did not get their best shard.</returns>
    public static int Apply(
        IRouter router, RouterInput input, DocumentChoices choices, int limit, int threads, CancellationToken cancellationToken)
    {
        int[] order = Order(choices);
        int[] sizes = new int[router.Paths.Length];
        bool[] full = new bool[sizes.Length];
        int moved = 0;
        // Every further round begins with a document whose kept shards have all become full since the one before: about P / 8 rounds at most.
        for (int next = 0; next < order.Length;)
        {
            ShardCandidates candidates = ShardCandidates.Of(router, input, full, Math.Min(Kept, full.Count(path => !path)), threads, cancellationToken);
            for (; next < order.Length && candidates.FirstOpen(order[next], full) is { } choice; next++)
            {
                moved += choice.Path == choices.Path[order[next]] ? 0 : 1;
                choices.Move(order[next], choice.Path, choice.Score);
                sizes[choice.Path]++;
                full[choice.Path] = sizes[choice.Path] >= limit;
            }
        }

        return moved;
    }

    private static int[] Order(DocumentChoices choices)
    {
        int[] order = [.. Enumerable.Range(0, choices.Score.Length)];
        float[] scores = choices.Score;
        Array.Sort(order, (a, b) => scores[a] != scores[b] ? scores[b].CompareTo(scores[a]) : a.CompareTo(b));
        return order;
    }
}
