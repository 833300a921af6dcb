namespace DiPaCo.Routing;

/// <summary>The next best paths of each document beside the one that it has (paper §2.4.4).</summary>
internal static class Overlap
{
    /// <summary>For each further shard, the column of the path that each document goes to: the best scores without the path that it has.</summary>
    public static int[][] Further(
        IRouter router, RouterInput input, DocumentChoices choices, int count, int threads, CancellationToken cancellationToken)
    {
        int[][] further = [.. Enumerable.Range(0, count).Select(_ => new int[input.Documents])];
        if (count == 0)
        {
            return further;
        }

        int paths = router.Paths.Length;
        ScorePass.Visit(
            router,
            input,
            threads,
            (_, first, scores) =>
            {
                Span<float> left = new float[paths];
                for (int at = 0; at < scores.Length; at += paths)
                {
                    int document = first + (at / paths);
                    scores.Slice(at, paths).CopyTo(left);
                    int taken = choices.Path[document];
                    foreach (int[] choice in further)
                    {
                        left[taken] = float.NaN;
                        choice[document] = taken = BestLeft(left);
                    }
                }
            },
            cancellationToken);
        return further;
    }

    private static int BestLeft(ReadOnlySpan<float> scores)
    {
        int best = -1;
        for (int path = 0; path < scores.Length; path++)
        {
            best = !float.IsNaN(scores[path]) && (best < 0 || scores[path] > scores[best]) ? path : best;
        }

        return best;
    }
}
