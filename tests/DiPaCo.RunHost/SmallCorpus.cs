using System.Text;
using System.Text.Json;
using DiPaCo.Core;

namespace DiPaCo.RunHost;

/// <summary>Documents in four made-up languages that have no letter in common, so that clusters are easy to find.</summary>
public static class SmallCorpus
{
    /// <summary>Number of languages; <c>source</c> is a document's language.</summary>
    public const int Languages = 4;

    private const int WordsOfALanguage = 24;

    private static readonly string[] s_letters = ["abcdef", "ghijkl", "mnopqr", "stuvwx"];

    /// <summary>The records, one JSON object each.</summary>
    /// <param name="documents">How many.</param>
    /// <param name="seed">Chooses other documents in the same languages.</param>
    public static IEnumerable<string> Lines(int documents, long seed = 1)
    {
        string[][] words = [.. Enumerable.Range(0, Languages).Select(Words)];
        RandomStream random = new(seed, "small corpus");
        for (int document = 0; document < documents; document++)
        {
            int language = random.NextInt32(Languages);
            StringBuilder text = new();
            // From stubs that are shorter than a routing prefix to documents of several sequences.
            for (int length = 2 + random.NextInt32(40); length > 0; length--)
            {
                // A word hardly ever stands alone: there is something to learn.
                int word = random.NextInt32(WordsOfALanguage / 2);
                text.Append(words[language][2 * word]).Append(' ').Append(words[language][(2 * word) + 1]).Append(length == 1 ? "." : " ");
            }

            yield return JsonSerializer.Serialize(new { text = text.ToString(), url = $"document/{seed}/{document}", source = $"language{language}" });
        }
    }

    private static string[] Words(int language)
    {
        RandomStream random = new(1, "words", language);
        return [.. Enumerable.Range(0, WordsOfALanguage).Select(_ => string.Concat(Enumerable.Range(0, 3 + random.NextInt32(4))
            .Select(_ => s_letters[language][random.NextInt32(s_letters[language].Length)])))];
    }
}
