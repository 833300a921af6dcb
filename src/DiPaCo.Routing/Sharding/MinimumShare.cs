namespace DiPaCo.Routing;

/// <summary>
/// Refills shards that are smaller than a share of the mean shard. Documents come from shards above the minimum, which
/// they never push below it; those move first that lose least of their score by it (for k-means: that add least to the
/// inertia), the lowest document among equals. No path trains on nothing or on a handful of documents for ever.
/// </summary>
internal static class MinimumShare
{
    /// <summary>Documents that every shard gets: ⌊share · n / P⌋, at least 1.</summary>
    public static int DocumentsOf(double share, int documents, int paths) => Math.Max(1, (int)(share * documents / paths));

    /// <summary>Moves documents until no shard is below the minimum.</summary>
    /// <returns>Documents moved.</returns>
    public static int Refill(
        IRouter router, RouterInput input, DocumentChoices choices, int minimum, int threads, CancellationToken cancellationToken)
    {
        int moved = 0;
        // Rankings are bounded, so a pass may leave a shard short: the next pass goes on. The first move of a pass is
        // always possible, and P · minimum ≤ n leaves enough to give, hence this ends; one or two passes are usual.
        while (choices.Sizes.Any(size => size < minimum))
        {
            List<LossRanking.Entry> moves = Rank(router, input, choices, minimum, threads, cancellationToken);
            moves.Sort();
            HashSet<int> gone = [];
            foreach (LossRanking.Entry move in moves)
            {
                if (choices.Sizes[move.Path] < minimum && choices.Sizes[choices.Path[move.Document]] > minimum && gone.Add(move.Document))
                {
                    choices.Move(move.Document, move.Path, move.Score);
                    moved++;
                }
            }
        }

        return moved;
    }

    private static List<LossRanking.Entry> Rank(
        IRouter router, RouterInput input, DocumentChoices choices, int minimum, int threads, CancellationToken cancellationToken)
    {
        int paths = router.Paths.Length;
        int[] needy = [.. Enumerable.Range(0, paths).Where(path => choices.Sizes[path] < minimum)];
        LossRanking[][] rankings = [.. Enumerable.Range(0, ScorePass.Stripes).Select(_ => Rankings())];
        ScorePass.Visit(
            router,
            input,
            threads,
            (stripe, first, scores) =>
            {
                for (int document = first; document < first + (scores.Length / paths); document++)
                {
                    if (choices.Sizes[choices.Path[document]] > minimum)
                    {
                        Offer(document, scores.Slice((document - first) * paths, paths), rankings[stripe]);
                    }
                }
            },
            cancellationToken);

        LossRanking[] merged = Rankings();
        for (int at = 0; at < needy.Length; at++)
        {
            foreach (LossRanking.Entry entry in rankings.SelectMany(stripe => stripe[at].Entries))
            {
                merged[at].Offer(entry);
            }
        }

        return [.. merged.SelectMany(ranking => ranking.Entries)];

        // Some more than are needed: a document may be wanted by several shards, and givers may run out.
        LossRanking[] Rankings() => [.. needy.Select(path => new LossRanking((2 * (minimum - choices.Sizes[path])) + 16))];

        void Offer(int document, ReadOnlySpan<float> scores, LossRanking[] to)
        {
            for (int at = 0; at < needy.Length; at++)
            {
                float score = scores[needy[at]];
                to[at].Offer(new LossRanking.Entry(choices.Score[document] - score, document, needy[at], score));
            }
        }
    }
}
