using System.Collections.Immutable;

namespace DiPaCo.Serving.Sampling;

/// <summary>A token with what the model thought of it.</summary>
/// <param name="Token">The token.</param>
/// <param name="LogProbability">ln p under the model's own distribution, before temperature and filters; null where nothing came before it, or nobody asked.</param>
/// <param name="Top">The likeliest tokens at its place, likeliest first.</param>
public sealed record TokenScore(int Token, double? LogProbability, ImmutableArray<(int Token, double LogProbability)> Top)
{
    /// <summary>Scores a token.</summary>
    /// <param name="logits">[V], behind the token before it.</param>
    /// <param name="token">The token.</param>
    /// <param name="top">How many of the likeliest tokens to name.</param>
    public static TokenScore Of(ReadOnlySpan<float> logits, int token, int top)
    {
        double highest = double.NegativeInfinity;
        foreach (float logit in logits)
        {
            highest = Math.Max(highest, logit);
        }

        double sum = 0;
        foreach (float logit in logits)
        {
            sum += Math.Exp(logit - highest);
        }

        double logSum = highest + Math.Log(sum);
        return new TokenScore(token, logits[token] - logSum, top == 0 ? [] : Likeliest(logits, top, logSum));
    }

    private static ImmutableArray<(int Token, double LogProbability)> Likeliest(ReadOnlySpan<float> logits, int count, double logSum)
    {
        List<int> best = new(count + 1);
        for (int token = 0; token < logits.Length; token++)
        {
            if (best.Count == count && logits[token] <= logits[best[^1]])
            {
                continue;
            }

            int at = best.Count;
            while (at > 0 && logits[token] > logits[best[at - 1]])
            {
                at--;
            }

            best.Insert(at, token);
            if (best.Count > count)
            {
                best.RemoveAt(count);
            }
        }

        ImmutableArray<(int, double)>.Builder named = ImmutableArray.CreateBuilder<(int, double)>(best.Count);
        foreach (int token in best)
        {
            named.Add((token, logits[token] - logSum));
        }

        return named.MoveToImmutable();
    }
}
