using DiPaCo.Core;

namespace DiPaCo.Model;

/// <summary>Checks at the model's public entrances: the loops behind them read memory at these numbers.</summary>
internal static class TokenCheck
{
    public static void Targets(ReadOnlySpan<int> tokens, ReadOnlySpan<int> targets, TransformerShape shape)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(targets.Length, tokens.Length);
        InVocabulary(tokens, shape.Vocabulary, lowest: 0);
        InVocabulary(targets, shape.OutputRows, lowest: -1);
    }

    public static void Lengths(ReadOnlySpan<int> tokens, int length, ReadOnlySpan<int> lengths)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(tokens.Length, (long)lengths.Length * length);
        foreach (int one in lengths)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(one, 1, nameof(lengths));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(one, length, nameof(lengths));
        }
    }

    public static void InVocabulary(ReadOnlySpan<int> tokens, int vocabulary, int lowest)
    {
        for (int i = 0; i < tokens.Length; i++)
        {
            if (tokens[i] < lowest || tokens[i] >= vocabulary)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(tokens), tokens[i], $"Position {i} is outside {lowest} to {vocabulary - 1}: the text was encoded with another tokenizer than this model's.");
            }
        }
    }
}
