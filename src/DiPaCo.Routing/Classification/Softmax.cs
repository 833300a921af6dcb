namespace DiPaCo.Routing;

/// <summary>Softmax of the scores of one row; finite for every finite score.</summary>
internal static class Softmax
{
    /// <summary>Turns scores into probabilities.</summary>
    /// <returns>log Σ exp(score).</returns>
    public static double InPlace(Span<float> scores)
    {
        float largest = Largest(scores);
        double sum = 0;
        for (int at = 0; at < scores.Length; at++)
        {
            float power = MathF.Exp(scores[at] - largest);
            scores[at] = power;
            sum += power;
        }

        float scale = (float)(1 / sum);
        for (int at = 0; at < scores.Length; at++)
        {
            scores[at] *= scale;
        }

        return largest + Math.Log(sum);
    }

    /// <summary>log Σ exp(score).</summary>
    public static double LogSum(ReadOnlySpan<float> scores)
    {
        float largest = Largest(scores);
        double sum = 0;
        foreach (float score in scores)
        {
            sum += MathF.Exp(score - largest);
        }

        return largest + Math.Log(sum);
    }

    private static float Largest(ReadOnlySpan<float> scores)
    {
        float largest = scores[0];
        foreach (float score in scores)
        {
            largest = Math.Max(largest, score);
        }

        return largest;
    }
}
