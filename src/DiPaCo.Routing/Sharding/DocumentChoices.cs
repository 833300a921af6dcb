namespace DiPaCo.Routing;

/// <summary>The path (column of the router) that each document has so far, and its score there.</summary>
internal sealed class DocumentChoices
{
    private DocumentChoices(int documents, int paths)
    {
        Path = new int[documents];
        Score = new float[documents];
        Sizes = new int[paths];
    }

    /// <summary>The column of each document's path.</summary>
    public int[] Path { get; }

    /// <summary>The document's score under its path.</summary>
    public float[] Score { get; }

    /// <summary>Documents of each path.</summary>
    public int[] Sizes { get; }

    /// <summary>The best path of each document.</summary>
    public static DocumentChoices Best(IRouter router, RouterInput input, int threads, CancellationToken cancellationToken)
    {
        int paths = router.Paths.Length;
        DocumentChoices choices = new(input.Documents, paths);
        ScorePass.Visit(
            router,
            input,
            threads,
            (_, first, scores) =>
            {
                for (int at = 0; at < scores.Length; at += paths)
                {
                    int best = RouterExtensions.BestOf(scores.Slice(at, paths));
                    choices.Path[first + (at / paths)] = best;
                    choices.Score[first + (at / paths)] = scores[at + best];
                }
            },
            cancellationToken);
        foreach (int path in choices.Path)
        {
            choices.Sizes[path]++;
        }

        return choices;
    }

    /// <summary>Gives a document another path.</summary>
    public void Move(int document, int path, float score)
    {
        Sizes[Path[document]]--;
        Sizes[path]++;
        Path[document] = path;
        Score[document] = score;
    }
}
