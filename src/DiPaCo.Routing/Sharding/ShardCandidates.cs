namespace DiPaCo.Routing;

/// <summary>The few best shards of each document, best first, among those that are not full.</summary>
internal sealed class ShardCandidates
{
    private readonly int _kept;
    private readonly int[] _paths;
    private readonly float[] _scores;

    private ShardCandidates(int documents, int kept)
    {
        _kept = kept;
        _paths = new int[checked(documents * kept)];
        _scores = new float[_paths.Length];
    }

    /// <summary>One pass over all documents.</summary>
    /// <param name="router">Scores.</param>
    /// <param name="input">The documents.</param>
    /// <param name="full">Shards that no document may go to; at least <paramref name="kept"/> others are left.</param>
    /// <param name="kept">Shards kept for each document.</param>
    /// <param name="threads">Threads at most.</param>
    /// <param name="cancellationToken">Ends the pass.</param>
    public static ShardCandidates Of(IRouter router, RouterInput input, bool[] full, int kept, int threads, CancellationToken cancellationToken)
    {
        ShardCandidates candidates = new(input.Documents, kept);
        int paths = router.Paths.Length;
        ScorePass.Visit(
            router,
            input,
            threads,
            (_, first, scores) =>
            {
                for (int at = 0; at < scores.Length; at += paths)
                {
                    candidates.Fill(first + (at / paths), scores.Slice(at, paths), full);
                }
            },
            cancellationToken);
        return candidates;
    }

    /// <summary>The document's best shard that is not full; null where all that were kept are.</summary>
    public (int Path, float Score)? FirstOpen(int document, bool[] full)
    {
        for (int at = document * _kept; at < (document + 1) * _kept; at++)
        {
            if (!full[_paths[at]])
            {
                return (_paths[at], _scores[at]);
            }
        }

        return null;
    }

    // Insertion into a short sorted list; the lowest path first among equal scores.
    private void Fill(int document, ReadOnlySpan<float> scores, bool[] full)
    {
        Span<int> paths = _paths.AsSpan(document * _kept, _kept);
        Span<float> best = _scores.AsSpan(document * _kept, _kept);
        int found = 0;
        for (int path = 0; path < scores.Length; path++)
        {
            if (full[path] || (found == _kept && !(scores[path] > best[^1])))
            {
                continue;
            }

            int at = found == _kept ? _kept - 1 : found++;
            for (; at > 0 && scores[path] > best[at - 1]; at--)
            {
                (paths[at], best[at]) = (paths[at - 1], best[at - 1]);
            }

            (paths[at], best[at]) = (path, scores[path]);
        }
    }
}
