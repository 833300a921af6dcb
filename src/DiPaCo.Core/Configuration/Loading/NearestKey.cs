namespace DiPaCo.Core.Configuration;

/// <summary>Finds the key, or the field, that a misspelt one was meant to be.</summary>
public static class NearestKey
{
    /// <summary>The candidate with the fewest edits, if they are at most a third of the word (and always if two suffice for a word of four letters or more).</summary>
    public static string? To(string word, IEnumerable<string> candidates)
    {
        const int longest = 64;
        if (word.Length > longest)
        {
            return null;
        }

        string lower = word.ToLowerInvariant().Replace('-', '_');
        (string? nearest, int edits) = (null, int.MaxValue);
        foreach (string candidate in candidates)
        {
            int distance = Edits(lower, candidate);
            if (distance < edits)
            {
                (nearest, edits) = (candidate, distance);
            }
        }

        int allowed = Math.Max(word.Length >= 4 ? 2 : 1, word.Length / 3);
        return edits <= allowed ? nearest : null;
    }

    /// <summary>Insertions, deletions, substitutions and swaps of neighbours that turn one word into the other (optimal string alignment).</summary>
    public static int Edits(string from, string to)
    {
        int[,] edits = new int[from.Length + 1, to.Length + 1];
        for (int i = 0; i <= from.Length; i++)
        {
            edits[i, 0] = i;
        }

        for (int j = 0; j <= to.Length; j++)
        {
            edits[0, j] = j;
        }

        for (int i = 1; i <= from.Length; i++)
        {
            for (int j = 1; j <= to.Length; j++)
            {
                int substitution = from[i - 1] == to[j - 1] ? 0 : 1;
                int best = Math.Min(Math.Min(edits[i - 1, j], edits[i, j - 1]) + 1, edits[i - 1, j - 1] + substitution);
                bool swapped = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
                edits[i, j] = swapped ? Math.Min(best, edits[i - 2, j - 2] + 1) : best;
            }
        }

        return edits[from.Length, to.Length];
    }
}
