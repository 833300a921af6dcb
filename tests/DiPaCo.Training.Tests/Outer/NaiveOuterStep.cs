namespace DiPaCo.Training.Tests.Outer;

/// <summary>The outer step as the paper prints it, one number at a time, in double precision.</summary>
internal static class NaiveOuterStep
{
    /// <summary>Δ = s Σ α_i (θ − θ_i); m ← μ m + Δ; θ ← θ − η (Δ + μ m).</summary>
    public static (double[] Parameters, double[] Momentum) Of(
        IReadOnlyList<double> parameters, IReadOnlyList<double> momentum,
        IReadOnlyList<(float[] Parameters, double Weight)> paths, OuterStepOptions options)
    {
        double[] next = new double[parameters.Count];
        double[] nextMomentum = new double[parameters.Count];
        for (int i = 0; i < next.Length; i++)
        {
            double delta = options.Scale * paths.Sum(path => path.Weight * (parameters[i] - path.Parameters[i]));
            nextMomentum[i] = (options.Momentum * momentum[i]) + delta;
            next[i] = parameters[i] - (options.LearningRate * (delta + (options.Momentum * nextMomentum[i])));
        }

        return (next, nextMomentum);
    }
}
