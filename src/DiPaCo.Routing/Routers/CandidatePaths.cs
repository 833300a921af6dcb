using DiPaCo.Core;

namespace DiPaCo.Routing;

/// <summary>The few paths of each document that its router thinks most of: those worth a closer look where all paths are too many.</summary>
public static class CandidatePaths
{
    /// <summary>For each document the paths with the highest scores, the lower id among equals.</summary>
    /// <param name="router">The router.</param>
    /// <param name="input">The documents.</param>
    /// <param name="count">Paths of each document n, 1 to the number of the router's paths.</param>
    /// <param name="threads">Threads.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>Paths, [documents, n], each row ascending by id.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The router does not have so many paths.</exception>
    public static PathId[] Of(IRouter router, RouterInput input, int count, int threads, CancellationToken cancellationToken)
    {
        int paths = router.Paths.Length;
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, paths);
        PathId[] chosen = new PathId[checked(input.Documents * count)];
        ScorePass.Visit(
            router,
            input,
            threads,
            (_, first, scores) =>
            {
                int[] best = new int[count];
                for (int at = 0; at < scores.Length; at += paths)
                {
                    Best(scores.Slice(at, paths), best);
                    Array.Sort(best);
                    for (int i = 0; i < count; i++)
                    {
                        chosen[((first + (at / paths)) * count) + i] = router.Paths[best[i]];
                    }
                }
            },
            cancellationToken);
        return chosen;
    }

    /// <summary>The columns of the highest scores, the highest first. Only a score above the lowest that is kept moves anything.</summary>
    private static void Best(ReadOnlySpan<float> scores, Span<int> best)
    {
        int kept = 0;
        for (int column = 0; column < scores.Length; column++)
        {
            if (kept == best.Length && !(scores[column] > scores[best[^1]]))
            {
                continue;
            }

            int place = kept < best.Length ? kept++ : kept - 1;
            while (place > 0 && scores[column] > scores[best[place - 1]])
            {
                best[place] = best[place - 1];
                place--;
            }

            best[place] = column;
        }
    }
}
