namespace DiPaCo.Runtime.Tasks;

/// <summary>What documents lose when they change their path at the beginning of chunks.</summary>
internal static class ReroutePolicy
{
    /// <summary>Adds up the losses of all documents.</summary>
    /// <param name="losses">Losses of cells under every path.</param>
    /// <param name="first">For each document the column of its first chunk.</param>
    /// <param name="choices">For each cell the column that what comes before it points to; at a document's first cell it is not used.</param>
    /// <param name="window">Tokens W of a chunk, a multiple of the cell.</param>
    public static RerouteWindow Of(LossMatrix losses, ReadOnlySpan<int> first, ReadOnlySpan<int> choices, int window)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(losses.Cell, 1, nameof(losses));
        ArgumentOutOfRangeException.ThrowIfNotEqual(window % losses.Cell, 0, nameof(window));
        ArgumentOutOfRangeException.ThrowIfLessThan(window, losses.Cell);
        int cellsOfAChunk = window / losses.Cell;
        EvaluationMetrics sum = EvaluationMetrics.None;
        long chunks = 0;
        long switches = 0;
        for (int d = 0; d < losses.Documents.Length; d++)
        {
            ScoredDocument document = losses.Documents[d];
            (int start, int count) = losses.CellsOf(d).GetOffsetAndLength(losses.CellCount);
            int path = first[d];
            double loss = 0;
            for (int cell = 0; cell < count; cell++)
            {
                if (cell > 0 && cell % cellsOfAChunk == 0)
                {
                    chunks++;
                    switches += choices[start + cell] == path ? 0 : 1;
                    path = choices[start + cell];
                }

                loss += losses.LossesOf(start + cell)[path];
            }

            sum += new EvaluationMetrics(1, document.Tokens, loss, document.PrefixTokens, losses.PrefixOf(d)[first[d]], document.Bytes);
        }

        return new RerouteWindow(window, sum, chunks, switches);
    }
}
