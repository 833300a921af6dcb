namespace DiPaCo.Routing.Tests;

/// <summary>Multinomial logistic regression as its formula says it, in double precision, one number after the other.</summary>
internal static class NaiveLogistic
{
    /// <summary>Σ ω_i (log Σ_k exp s_ik − s_i,label) / Σ ω + λ/2 ‖W‖², where s = (W + a w₀) x + b + a b₀; with a prior the penalty has ‖b‖² too.</summary>
    /// <param name="features">n × d.</param>
    /// <param name="labels">The class of each row.</param>
    /// <param name="weights">ω.</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="l2">λ.</param>
    /// <param name="prior">w₀ row after row, then b₀; null: none.</param>
    /// <param name="parameters">W row after row, b, and a where there is a prior.</param>
    /// <param name="gradient">Receives the gradient.</param>
    public static double Loss(
        FeatureMatrix features, int[] labels, double[] weights, int classes, double l2, double[]? prior, double[] parameters, double[] gradient)
    {
        int width = features.Width;
        int biases = classes * width;
        double factor = prior is null ? 0 : parameters[^1];
        double total = weights.Sum();
        Array.Clear(gradient);
        double loss = 0;
        double[] logits = new double[classes];
        for (int row = 0; row < features.Rows; row++)
        {
            for (int k = 0; k < classes; k++)
            {
                logits[k] = At(biases + k);
                for (int t = 0; t < width; t++)
                {
                    logits[k] += At((k * width) + t) * features.Row(row)[t];
                }
            }

            double largest = logits.Max();
            double sum = logits.Sum(logit => Math.Exp(logit - largest));
            loss += weights[row] / total * (largest + Math.Log(sum) - logits[labels[row]]);
            for (int k = 0; k < classes; k++)
            {
                double slope = weights[row] / total * ((Math.Exp(logits[k] - largest) / sum) - (labels[row] == k ? 1 : 0));
                Add(biases + k, slope);
                for (int t = 0; t < width; t++)
                {
                    Add((k * width) + t, slope * features.Row(row)[t]);
                }
            }
        }

        int penalized = prior is null ? biases : biases + classes;
        double squares = 0;
        for (int at = 0; at < penalized; at++)
        {
            squares += parameters[at] * parameters[at];
            gradient[at] += l2 * parameters[at];
        }

        return loss + (l2 / 2 * squares);

        double At(int at) => parameters[at] + (prior is null ? 0 : factor * prior[at]);

        void Add(int at, double slope)
        {
            gradient[at] += slope;
            if (prior is not null)
            {
                gradient[^1] += slope * prior[at];
            }
        }
    }
}
