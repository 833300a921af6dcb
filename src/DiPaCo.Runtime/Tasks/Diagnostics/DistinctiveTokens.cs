namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Which tokens tell a text from the rest: log-odds ratios with an informative Dirichlet prior (Monroe, Colaresi, Quinn 2008, equations 15,
/// 20 and 22). The prior is the whole corpus' own distribution, so that rare tokens need more than a few occurrences to count.
/// </summary>
/// <param name="all">How often each token occurs in all shards together.</param>
internal sealed class DistinctiveTokens(long[] all)
{
    // As much weight as that many tokens of ordinary text.
    private const double PriorTokens = 5_000;

    private readonly double _total = all.Sum();

    /// <summary>The score of each token of a shard, in standard deviations.</summary>
    /// <param name="counts">How often each token occurs in the shard.</param>
    public double[] Score(ReadOnlySpan<long> counts)
    {
        double own = 0;
        foreach (long count in counts)
        {
            own += count;
        }

        double rest = _total - own;
        double[] scores = new double[counts.Length];
        for (int token = 0; token < scores.Length; token++)
        {
            double prior = PriorTokens * all[token] / _total;
            if (prior == 0)
            {
                continue;
            }

            double here = counts[token] + prior;
            double elsewhere = all[token] - counts[token] + prior;
            double ratio = Math.Log(here / (own + PriorTokens - here)) - Math.Log(elsewhere / (rest + PriorTokens - elsewhere));
            scores[token] = ratio / Math.Sqrt((1 / here) + (1 / elsewhere));
        }

        return scores;
    }
}
