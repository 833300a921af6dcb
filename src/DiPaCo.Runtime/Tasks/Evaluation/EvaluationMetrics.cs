using System.Globalization;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Sums over scored tokens; those of several tasks add up.</summary>
/// <param name="Documents">Documents.</param>
/// <param name="Tokens">Scored tokens after the prefix.</param>
/// <param name="Loss">Sum of their losses, nats.</param>
/// <param name="PrefixTokens">Scored tokens of the prefix.</param>
/// <param name="PrefixLoss">Sum of their losses, nats.</param>
/// <param name="Bytes">UTF-8 bytes of the scored tokens after the prefix.</param>
public sealed record EvaluationMetrics(long Documents, long Tokens, double Loss, long PrefixTokens, double PrefixLoss, long Bytes)
{
    /// <summary>Nothing scored.</summary>
    public static EvaluationMetrics None { get; } = new(0, 0, 0, 0, 0, 0) { PrefixBytes = 0 };

    /// <summary>UTF-8 bytes of the scored tokens of the prefix; null where nobody counted them.</summary>
    public long? PrefixBytes { get; init; }

    /// <summary>Perplexity over all but the routing prefix (paper §4).</summary>
    public double Perplexity => Math.Exp(Loss / Tokens);

    /// <summary>Perplexity with the prefix included.</summary>
    public double PerplexityWithPrefix => Math.Exp((Loss + PrefixLoss) / (Tokens + PrefixTokens));

    /// <summary>
    /// Bits per UTF-8 byte behind the prefix, whose tokens chose the path and are not scored under it. Tokenizers differ in where that is.
    /// </summary>
    public double BitsPerByte => Loss / (Bytes * Math.Log(2));

    /// <summary>Bits per UTF-8 byte of whole documents: the same text for every tokenizer. Null where the prefix's bytes were not counted.</summary>
    public double? BitsPerByteWithPrefix => PrefixBytes is { } bytes ? (Loss + PrefixLoss) / ((Bytes + bytes) * Math.Log(2)) : null;

    /// <summary>
    /// Whether the sums are numbers and small enough for a perplexity, which is none beyond 709 nats a token: guessing costs the logarithm of the vocabulary, 10 to 12
    /// nats. Nothing scored is sound.
    /// </summary>
    public bool AreSound() =>
        Documents >= 0 && Tokens >= 0 && PrefixTokens >= 0 && double.IsFinite(Loss) && double.IsFinite(PrefixLoss)
        && (Tokens == 0 || double.IsFinite(Perplexity)) && (Tokens + PrefixTokens == 0 || double.IsFinite(PerplexityWithPrefix));

    /// <summary>Refuses what is no result.</summary>
    /// <exception cref="NonFiniteStepException">A sum is no number, or a perplexity is none.</exception>
    public void ThrowUnlessSound()
    {
        if (!AreSound())
        {
            throw new NonFiniteStepException(string.Create(
                CultureInfo.InvariantCulture,
                $"{Tokens:N0} tokens have a loss of {Loss} nats, {PrefixTokens:N0} tokens of their prefixes one of {PrefixLoss}; finite numbers, and less than 709 nats a token, were expected. {LossTally.Advice}"));
        }
    }

    /// <summary>Adds two sums.</summary>
    public static EvaluationMetrics operator +(EvaluationMetrics a, EvaluationMetrics b) => new(
        a.Documents + b.Documents, a.Tokens + b.Tokens, a.Loss + b.Loss,
        a.PrefixTokens + b.PrefixTokens, a.PrefixLoss + b.PrefixLoss, a.Bytes + b.Bytes)
    {
        PrefixBytes = a.PrefixBytes + b.PrefixBytes,
    };
}
