namespace DiPaCo.Data;

/// <summary>Merges one long piece in O(n log n): a linked list of symbols and a queue of mergeable pairs.</summary>
internal static class BpeMergeQueue
{
    /// <summary>Merges in place; returns how many symbols are left.</summary>
    public static int Merge(BpeModel model, Span<int> symbols)
    {
        int[] next = new int[symbols.Length];
        int[] previous = new int[symbols.Length];
        var queue = new PriorityQueue<(int At, int Left, int Right, int Token), (int Rank, int At)>(symbols.Length);
        for (int i = 0; i < symbols.Length; i++)
        {
            next[i] = i + 1;
            previous[i] = i - 1;
        }

        for (int i = 0; i + 1 < symbols.Length; i++)
        {
            Offer(model, queue, symbols, i, i + 1);
        }

        while (queue.TryDequeue(out (int At, int Left, int Right, int Token) merge, out _))
        {
            int at = merge.At;
            int right = next[at];
            // Symbols may have changed since the pair was queued; a symbol that was merged away is -1.
            if (symbols[at] != merge.Left || right >= symbols.Length || symbols[right] != merge.Right)
            {
                continue;
            }

            symbols[at] = merge.Token;
            symbols[right] = -1;
            next[at] = next[right];
            if (next[at] < symbols.Length)
            {
                previous[next[at]] = at;
                Offer(model, queue, symbols, at, next[at]);
            }

            if (previous[at] >= 0)
            {
                Offer(model, queue, symbols, previous[at], at);
            }
        }

        int count = 0;
        foreach (int symbol in symbols)
        {
            if (symbol >= 0)
            {
                symbols[count++] = symbol;
            }
        }

        return count;
    }

    private static void Offer(BpeModel model, PriorityQueue<(int, int, int, int), (int, int)> queue, Span<int> symbols, int left, int right)
    {
        if (model.Merges.TryGetValue(BpeModel.Pair(symbols[left], symbols[right]), out (int Rank, int Token) merge))
        {
            queue.Enqueue((left, symbols[left], symbols[right], merge.Token), (merge.Rank, left));
        }
    }
}
