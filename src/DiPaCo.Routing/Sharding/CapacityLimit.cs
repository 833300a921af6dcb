namespace DiPaCo.Routing;

/// <summary>
/// Bounds the size of shards. In rounds: a shard above the limit is full; it keeps the documents that would lose most
/// of their score in the best shard that is not full, and the others go there. A document once kept stays.
/// </summary>
internal static class CapacityLimit
{
    /// <summary>Documents that a shard holds at most: ⌈factor · n / P⌉.</summary>
    public static int DocumentsOf(double factor, int documents, int paths) =>
        (int)Math.Min(documents, Math.Ceiling(factor * documents / paths));

    /// <summary>Moves documents until no shard is above the limit.</summary>
    /// <returns>Moves made.</returns>
    public static int Apply(
        IRouter router, RouterInput input, DocumentChoices choices, int limit, int threads, CancellationToken cancellationToken)
    {
        int moved = 0;
        bool[] full = new bool[router.Paths.Length];
        // Every round fills at least one more shard, and P · limit ≥ n: when all but one are full, the rest fits into it.
        while (choices.Sizes.Any(size => size > limit))
        {
            bool[] over = [.. choices.Sizes.Select(size => size > limit)];
            for (int path = 0; path < full.Length; path++)
            {
                full[path] |= over[path];
            }

            LossRanking.Entry[] alternatives = Alternatives(router, input, choices, full, threads, cancellationToken);
            for (int path = 0; path < full.Length; path++)
            {
                if (over[path])
                {
                    LossRanking.Entry[] own = [.. alternatives.Where((_, document) => choices.Path[document] == path).Order()];
                    foreach (LossRanking.Entry move in own.AsSpan(0, choices.Sizes[path] - limit))
                    {
                        choices.Move(move.Document, move.Path, move.Score);
                        moved++;
                    }
                }
            }
        }

        return moved;
    }

    // The best path of each document that is not full.
    private static LossRanking.Entry[] Alternatives(
        IRouter router, RouterInput input, DocumentChoices choices, bool[] full, int threads, CancellationToken cancellationToken)
    {
        int paths = router.Paths.Length;
        LossRanking.Entry[] alternatives = new LossRanking.Entry[input.Documents];
        ScorePass.Visit(
            router,
            input,
            threads,
            (_, first, scores) =>
            {
                for (int at = 0; at < scores.Length; at += paths)
                {
                    int document = first + (at / paths);
                    int best = -1;
                    for (int path = 0; path < paths; path++)
                    {
                        best = !full[path] && (best < 0 || scores[at + path] > scores[at + best]) ? path : best;
                    }

                    alternatives[document] = new LossRanking.Entry(choices.Score[document] - scores[at + best], document, best, scores[at + best]);
                }
            },
            cancellationToken);
        return alternatives;
    }
}
