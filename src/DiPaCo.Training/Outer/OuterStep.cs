using System.Runtime.Intrinsics;

namespace DiPaCo.Training;

/// <summary>
/// The outer step of one module (paper Algorithm 1 and §2.6, DiLoCo): outer gradient Δ = Σ α_i (θ − θ_i),
/// momentum m ← μ m + s Δ, parameters θ ← θ − η (s Δ + μ m).
/// </summary>
/// <remarks>
/// Contributions are folded in one by one in the order of path ids, into sums in double precision, so the bytes do not depend
/// on the order of arrival. With the mean θ̄ = Σ α_i θ_i the step reads θ ← (1 − ηs) θ + ηs θ̄ − ημ m: written so, a step with
/// η = s = 1 and μ = 0 leaves exactly θ̄, and a run of one path is plain AdamW bit for bit.
/// </remarks>
public sealed class OuterStep
{
    private readonly double[] _mean;

    /// <summary>Starts the step of a module.</summary>
    /// <param name="length">Elements of the module's flat buffer.</param>
    public OuterStep(int length)
    {
        _mean = new double[length];

        // The neutral element of addition: 0 + −0 is 0, but −0 + x is x for every x.
        Array.Fill(_mean, -0.0);
    }

    /// <summary>Adds α_i θ_i, the parameters with which path i ended the phase.</summary>
    /// <param name="parameters">θ_i.</param>
    /// <param name="weight">α_i; a path with weight 0 contributes nothing, whatever its parameters.</param>
    public void Fold(ReadOnlySpan<float> parameters, double weight)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(parameters.Length, _mean.Length);
        if (weight == 0)
        {
            return;
        }

        Span<double> mean = _mean;
        int i = 0;
        Vector512<double> alpha = Vector512.Create(weight);
        for (; i <= mean.Length - Vector512<float>.Count; i += Vector512<float>.Count)
        {
            (Vector512<double> low, Vector512<double> high) = Vector512.Widen(Vector512.Create(parameters.Slice(i, Vector512<float>.Count)));
            Span<double> target = mean.Slice(i, Vector512<float>.Count);
            (Vector512.Create<double>(target) + (low * alpha)).CopyTo(target);
            target = target[Vector512<double>.Count..];
            (Vector512.Create<double>(target) + (high * alpha)).CopyTo(target);
        }

        for (; i < mean.Length; i++)
        {
            mean[i] += parameters[i] * weight;
        }
    }

    /// <summary>‖θ − θ_i‖, of a path's delta.</summary>
    /// <param name="parameters">θ of this version.</param>
    /// <param name="end">θ_i.</param>
    public static double DeltaNorm(ReadOnlySpan<float> parameters, ReadOnlySpan<float> end)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(end.Length, parameters.Length);
        Vector512<double> sums = Vector512<double>.Zero;
        int width = Vector512<float>.Count;
        int i = 0;
        for (; i <= end.Length - width; i += width)
        {
            (Vector512<double> low, Vector512<double> high) = Vector512.Widen(Vector512.Create(parameters.Slice(i, width)) - Vector512.Create(end.Slice(i, width)));
            sums += (low * low) + (high * high);
        }

        double sum = Vector512.Sum(sums);
        for (; i < end.Length; i++)
        {
            double delta = parameters[i] - end[i];
            sum += delta * delta;
        }

        return Math.Sqrt(sum);
    }

    /// <summary>‖Δ‖ = ‖θ − θ̄‖, of the outer gradient, after all paths were folded in.</summary>
    /// <param name="parameters">θ of this version.</param>
    public double GradientNorm(ReadOnlySpan<float> parameters)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(parameters.Length, _mean.Length);
        ReadOnlySpan<double> mean = _mean;
        Vector512<double> sums = Vector512<double>.Zero;
        int width = Vector512<float>.Count;
        int i = 0;
        for (; i <= parameters.Length - width; i += width)
        {
            (Vector512<double> low, Vector512<double> high) = Vector512.Widen(Vector512.Create(parameters.Slice(i, width)));
            low -= Vector512.Create(mean.Slice(i, Vector512<double>.Count));
            high -= Vector512.Create(mean.Slice(i + Vector512<double>.Count, Vector512<double>.Count));
            sums += (low * low) + (high * high);
        }

        double sum = Vector512.Sum(sums);
        for (; i < parameters.Length; i++)
        {
            double delta = parameters[i] - mean[i];
            sum += delta * delta;
        }

        return Math.Sqrt(sum);
    }

    /// <summary>Applies the step in place, after all paths were folded in.</summary>
    /// <param name="parameters">θ of this version; becomes the next version.</param>
    /// <param name="momentum">m; zeros before the first step.</param>
    /// <param name="options">η, μ and s.</param>
    public void Apply(Span<float> parameters, Span<float> momentum, OuterStepOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(parameters.Length, _mean.Length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(momentum.Length, _mean.Length);
        Update update = new(options);
        ReadOnlySpan<double> mean = _mean;
        int width = Vector512<float>.Count;
        int i = 0;
        for (; i <= parameters.Length - width; i += width)
        {
            (Vector512<double> thetaLow, Vector512<double> thetaHigh) = Vector512.Widen(Vector512.Create<float>(parameters.Slice(i, width)));
            (Vector512<double> momentumLow, Vector512<double> momentumHigh) = Vector512.Widen(Vector512.Create<float>(momentum.Slice(i, width)));
            update.Make(ref thetaLow, ref momentumLow, Vector512.Create(mean.Slice(i, Vector512<double>.Count)));
            update.Make(ref thetaHigh, ref momentumHigh, Vector512.Create(mean.Slice(i + Vector512<double>.Count, Vector512<double>.Count)));
            Vector512.Narrow(thetaLow, thetaHigh).CopyTo(parameters.Slice(i, width));
            Vector512.Narrow(momentumLow, momentumHigh).CopyTo(momentum.Slice(i, width));
        }

        for (; i < parameters.Length; i++)
        {
            Vector512<double> theta = Vector512.Create((double)parameters[i]);
            Vector512<double> m = Vector512.Create((double)momentum[i]);
            update.Make(ref theta, ref m, Vector512.Create(mean[i]));
            parameters[i] = (float)theta[0];
            momentum[i] = (float)m[0];
        }
    }

    private readonly struct Update(OuterStepOptions options)
    {
        private readonly double _momentum = options.Momentum;
        private readonly double _scale = options.Scale;
        private readonly double _towardsMean = options.LearningRate * options.Scale;
        private readonly double _alongMomentum = options.LearningRate * options.Momentum;

        public void Make(ref Vector512<double> theta, ref Vector512<double> momentum, Vector512<double> mean)
        {
            momentum = (momentum * _momentum) + ((theta - mean) * _scale);

            // Terms with a zero factor are left out, not multiplied: −0 + 0 is not −0.
            theta = _towardsMean == 1.0 ? mean : (theta * (1.0 - _towardsMean)) + (mean * _towardsMean);
            if (_alongMomentum != 0.0)
            {
                theta -= momentum * _alongMomentum;
            }
        }
    }
}
