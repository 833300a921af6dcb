namespace DiPaCo.Runtime.Tasks;

/// <summary>What the losses under every path say of routers: how good the paths are by chance, in hindsight, and as some router chose.</summary>
internal static class RouterBounds
{
    /// <summary>What a router that draws each document's path has to expect: the mean over the paths.</summary>
    public static EvaluationMetrics Random(LossMatrix losses)
    {
        EvaluationMetrics sum = EvaluationMetrics.None;
        for (int column = 0; column < losses.Paths.Length; column++)
        {
            sum += Routed(losses, (_, _) => column);
        }

        // The same documents under each path: only the losses are more than they should be.
        EvaluationMetrics one = Routed(losses, (_, _) => 0);
        return one with { Loss = sum.Loss / losses.Paths.Length, PrefixLoss = sum.PrefixLoss / losses.Paths.Length };
    }

    /// <summary>The path of each document that turns out best behind the prefix.</summary>
    public static EvaluationMetrics Oracle(LossMatrix losses) => Routed(losses, (_, sums_P) => BestOf(sums_P));

    /// <summary>Documents that a router sends to the oracle's path: the best one behind the prefix, the first among equals.</summary>
    /// <param name="losses">The losses.</param>
    /// <param name="columns">The column that the router chose for each document.</param>
    public static long Agreements(LossMatrix losses, ReadOnlySpan<int> columns)
    {
        long agreements = 0;
        double[] sums_P = new double[losses.Paths.Length];
        for (int d = 0; d < losses.Documents.Length; d++)
        {
            losses.SumOf(d, sums_P);
            agreements += columns[d] == BestOf(sums_P) ? 1 : 0;
        }

        return agreements;
    }

    /// <summary>Every document under the path that a router chose.</summary>
    /// <param name="losses">The losses.</param>
    /// <param name="columnOf">The column of a document, counted in the order of the matrix, of which it is also given the losses behind the prefix.</param>
    public static EvaluationMetrics Routed(LossMatrix losses, Func<int, double[], int> columnOf)
    {
        EvaluationMetrics sum = EvaluationMetrics.None;
        double[] sums_P = new double[losses.Paths.Length];
        for (int d = 0; d < losses.Documents.Length; d++)
        {
            ScoredDocument document = losses.Documents[d];
            losses.SumOf(d, sums_P);
            int column = columnOf(d, sums_P);
            sum += new EvaluationMetrics(
                1, document.Tokens, sums_P[column], document.PrefixTokens, losses.PrefixOf(d)[column], document.Bytes);
        }

        return sum;
    }

    /// <summary>The column of the smallest loss, the first among equals.</summary>
    public static int BestOf(ReadOnlySpan<double> losses_P)
    {
        int best = 0;
        for (int path = 1; path < losses_P.Length; path++)
        {
            best = losses_P[path] < losses_P[best] ? path : best;
        }

        return best;
    }
}
