using System.Buffers;

namespace DiPaCo.Routing;

/// <summary>Scores all documents under all paths, a block of documents at a time, so that n × P numbers never exist at once.</summary>
internal static class ScorePass
{
    /// <summary>What is done with the scores of a block.</summary>
    /// <param name="stripe">The stripe; blocks of one stripe come in order, on one thread at a time.</param>
    /// <param name="first">First document of the block.</param>
    /// <param name="scores">Documents × paths.</param>
    public delegate void ScoreAction(int stripe, int first, ReadOnlySpan<float> scores);

    /// <summary>Number of stripes of a pass.</summary>
    public static int Stripes => RowBlocks.Stripes();

    /// <summary>Visits the scores of all documents.</summary>
    public static void Visit(IRouter router, RouterInput input, int threads, ScoreAction action, CancellationToken cancellationToken)
    {
        int paths = router.Paths.Length;
        RowBlocks.VisitRanges(
            input.Documents,
            Stripes,
            threads,
            (stripe, first, count) =>
            {
                float[] scores = ArrayPool<float>.Shared.Rent(count * paths);
                router.Score(input, first, count, scores.AsSpan(0, count * paths));
                action(stripe, first, scores.AsSpan(0, count * paths));
                ArrayPool<float>.Shared.Return(scores);
            },
            cancellationToken);
    }
}
