namespace DiPaCo.Routing;

/// <summary>
/// Cuts documents into parts of about the same size such that all documents of one origin are in one part: parts of one original are too
/// much alike for one to say anything about how another, unseen text would fare. A function of the origins alone, whatever the order.
/// </summary>
internal static class OriginFolds
{
    /// <summary>The part of each document.</summary>
    /// <param name="origins">The hash of each document's origin.</param>
    /// <param name="folds">Parts at most; fewer where there are fewer origins.</param>
    /// <returns>Numbers from 0 on, each of them given to some document.</returns>
    public static int[] Of(ReadOnlySpan<ulong> origins, int folds)
    {
        Dictionary<ulong, int> sizes = [];
        foreach (ulong origin in origins)
        {
            sizes[origin] = sizes.GetValueOrDefault(origin) + 1;
        }

        // The largest first, each to the part that has least so far.
        int[] filled = new int[Math.Min(folds, sizes.Count)];
        Dictionary<ulong, int> foldOf = [];
        foreach ((ulong origin, int size) in sizes.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key))
        {
            int smallest = Array.IndexOf(filled, filled.Min());
            foldOf[origin] = smallest;
            filled[smallest] += size;
        }

        int[] parts = new int[origins.Length];
        for (int document = 0; document < parts.Length; document++)
        {
            parts[document] = foldOf[origins[document]];
        }

        return parts;
    }
}
