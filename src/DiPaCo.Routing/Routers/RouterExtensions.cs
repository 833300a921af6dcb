using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Routing;

/// <summary>Choosing by score.</summary>
public static class RouterExtensions
{
    /// <summary>The path of each document: the one with the highest score, the lowest id among equals.</summary>
    public static ImmutableArray<PathId> Route(
        this IRouter router, RouterInput input, int threads = 1, CancellationToken cancellationToken = default)
    {
        int paths = router.Paths.Length;
        PathId[] chosen = new PathId[input.Documents];
        ScorePass.Visit(
            router,
            input,
            threads,
            (_, first, scores) =>
            {
                for (int at = 0; at < scores.Length; at += paths)
                {
                    chosen[first + (at / paths)] = router.Paths[BestOf(scores.Slice(at, paths))];
                }
            },
            cancellationToken);
        return ImmutableArray.Create(chosen);
    }

    /// <summary>The scores of one document, one per path of the router.</summary>
    public static ImmutableArray<float> ScoresOf(this IRouter router, RouterInput input, int document)
    {
        float[] scores = new float[router.Paths.Length];
        router.Score(input, document, 1, scores);
        return ImmutableArray.Create(scores);
    }

    /// <summary>The column of the highest score, the first among equals.</summary>
    internal static int BestOf(ReadOnlySpan<float> scores)
    {
        int best = 0;
        for (int column = 1; column < scores.Length; column++)
        {
            best = scores[column] > scores[best] ? column : best;
        }

        return best;
    }
}
