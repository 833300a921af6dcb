using System.Globalization;
using DiPaCo.Core;

namespace DiPaCo.Data;

/// <summary>Whether a corpus is large enough to be split.</summary>
public static class CorpusRequirement
{
    /// <summary>Checks that every split that has a share has enough documents that are longer than the prefix.</summary>
    /// <param name="corpus">The tokenized corpus.</param>
    /// <param name="description">What it was read from, as messages name it.</param>
    /// <param name="fractions">The shares of the splits.</param>
    /// <param name="sequences">Says which documents are usable.</param>
    /// <param name="minimum">Usable documents that each split needs.</param>
    /// <exception cref="DiPaCoException">A split has fewer; says how many the corpus would need.</exception>
    public static void Check(TokenCorpus corpus, string description, SplitFractions fractions, SequenceOptions sequences, int minimum = 1)
    {
        Split[] wanted = [.. Enum.GetValues<Split>().Where(split => fractions[split] > 0)];
        Dictionary<Split, int> usable = wanted.ToDictionary(split => split, split => corpus.Documents(split).Count(id => sequences.IsUsable(corpus[id].TokenCount)));
        Split[] lacking = [.. wanted.Where(split => usable[split] < minimum)];
        if (lacking.Length == 0)
        {
            return;
        }

        // With n originals, a share f is empty with probability (1 − f)^n ≈ e^(−f n): three times the minimum over f leaves 5 % at most.
        double smallest = lacking.Min(split => fractions[split]);
        string counts = string.Join(", ", wanted.Select(split => $"{Name(split)} {usable[split]}"));
        throw new DiPaCoException(string.Create(
            CultureInfo.InvariantCulture,
            $"The corpus, {description}, has too few documents for all splits: {corpus.DocumentCount} documents, of which {usable.Values.Sum()} are longer than the prefix of {sequences.PrefixLength} tokens ({counts}); each split needs at least {minimum}. About {Math.Ceiling(3 * minimum / smallest):0} documents of different origin would do. Add text, or {string.Join(", or ", Remedies([.. lacking]))}. Documents of one original stay in one split: records with the same url (up to a #), and all parts of one .txt file unless that file is the whole text."));
    }

    private static IEnumerable<string> Remedies(Split[] lacking)
    {
        string[] raised = [.. lacking.Where(split => split != Split.Train).Select(Key)];
        string[] optional = [.. lacking.Where(split => split is Split.Validation or Split.Router).Select(Key)];
        if (raised.Length > 0)
        {
            yield return $"raise {string.Join(" and ", raised)}";
        }

        // What is left of the other splits is trained on. Training and the final evaluation cannot be done without.
        if (lacking.Contains(Split.Train))
        {
            yield return "lower the shares of the other splits";
        }

        if (optional.Length > 0)
        {
            yield return $"set {string.Join(" and ", optional)} to 0";
        }
    }

    private static string Key(Split split) => $"data.{Name(split)}_share";

    private static string Name(Split split) => split.ToString().ToLowerInvariant();
}
