namespace DiPaCo.Runtime.Tasks;

/// <summary>The targets of the token router.</summary>
internal static class BestPaths
{
    /// <summary>For each token of a document behind its prefix: the path under which it and what follows are likeliest, the first among equals.</summary>
    /// <param name="losses">Losses of single tokens.</param>
    /// <param name="document">The document's place in the matrix.</param>
    /// <param name="horizon">Tokens L that count, from the token itself on; 0: to the end of the document.</param>
    public static int[] Of(LossMatrix losses, int document, int horizon)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(losses.Cell, 1, nameof(losses));
        int first = losses.CellsOf(document).Start.Value;
        int tokens = losses.Documents[document].Tokens;
        int reach = horizon == 0 ? tokens : horizon;
        int[] best = new int[tokens];
        double[] smallest = new double[tokens];
        Array.Fill(smallest, double.PositiveInfinity);
        double[] following = new double[tokens + 1];
        for (int path = 0; path < losses.Paths.Length; path++)
        {
            for (int token = tokens - 1; token >= 0; token--)
            {
                following[token] = following[token + 1] + losses.LossesOf(first + token)[path];
            }

            for (int token = 0; token < tokens; token++)
            {
                double sum = following[token] - following[(int)Math.Min(tokens, (long)token + reach)];
                if (sum < smallest[token])
                {
                    (smallest[token], best[token]) = (sum, path);
                }
            }
        }

        return best;
    }
}
