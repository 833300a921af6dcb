using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
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
    private const int SquaresAtOnce = 1024;

    private readonly double[] _mean;

    /// <summary>Starts the step of a module, or of a piece of one.</summary>
    /// <param name="length">Elements of the flat buffer, or of the piece.</param>
    public OuterStep(int length)
    {
        _mean = new double[length];
        Restart();
    }

    /// <summary>Elements of the module or piece.</summary>
    public int Length => _mean.Length;

    /// <summary>Σ α_i θ_i of what was folded in so far, −0 where nothing was. Whoever has kept the sums of earlier contributions puts them here, and goes on from them.</summary>
    public Memory<double> Sums => _mean;

    /// <summary>Starts anew, with the next piece of the same length.</summary>
    /// <remarks>From the neutral element of addition: 0 + −0 is 0, but −0 + x is x for every x.</remarks>
    public void Restart() => Array.Fill(_mean, -0.0);

    /// <summary>Adds α_i θ_i, the parameters with which path i ended the phase.</summary>
    /// <param name="parameters">θ of this version.</param>
    /// <param name="end">θ_i.</param>
    /// <param name="weight">α_i; a path with weight 0 contributes nothing, whatever its parameters.</param>
    /// <returns>‖θ − θ_i‖², of the path's delta.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public double Fold(ReadOnlySpan<float> parameters, ReadOnlySpan<float> end, double weight)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(parameters.Length, _mean.Length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(end.Length, _mean.Length);
        ref double mean = ref MemoryMarshal.GetArrayDataReference(_mean);
        ref float theta = ref MemoryMarshal.GetReference(parameters);
        ref float own = ref MemoryMarshal.GetReference(end);
        Vector512<double> alpha = Vector512.Create(weight);
        int width = Vector512<float>.Count;
        double squares = 0;
        int i = 0;
        while (i <= end.Length - width)
        {
            // Squares of so few numbers lose nothing that matters in single precision, which is half of the work.
            int stop = Math.Min(end.Length - width, i + SquaresAtOnce - width);
            Vector512<float> sums = Vector512<float>.Zero;
            for (; i <= stop; i += width)
            {
                Vector512<float> values = Vector512.LoadUnsafe(ref own, (nuint)i);
                Vector512<float> delta = Vector512.LoadUnsafe(ref theta, (nuint)i) - values;
                sums = Vector512.FusedMultiplyAdd(delta, delta, sums);
                if (weight != 0)
                {
                    (Vector512<double> low, Vector512<double> high) = Vector512.Widen(values);
                    nuint second = (nuint)(i + Vector512<double>.Count);
                    Vector512.FusedMultiplyAdd(low, alpha, Vector512.LoadUnsafe(ref mean, (nuint)i)).StoreUnsafe(ref mean, (nuint)i);
                    Vector512.FusedMultiplyAdd(high, alpha, Vector512.LoadUnsafe(ref mean, second)).StoreUnsafe(ref mean, second);
                }
            }

            (Vector512<double> lower, Vector512<double> upper) = Vector512.Widen(sums);
            squares += Vector512.Sum(lower + upper);
        }

        for (; i < end.Length; i++)
        {
            float delta = parameters[i] - end[i];
            squares += (double)delta * delta;
            _mean[i] = weight != 0 ? Math.FusedMultiplyAdd(end[i], weight, _mean[i]) : _mean[i];
        }

        return squares;
    }

    /// <summary>‖Δ‖² = ‖θ − θ̄‖², of the outer gradient, after all paths were folded in.</summary>
    /// <param name="parameters">θ of this version.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public double GradientSquares(ReadOnlySpan<float> parameters)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(parameters.Length, _mean.Length);
        ref double mean = ref MemoryMarshal.GetArrayDataReference(_mean);
        ref float theta = ref MemoryMarshal.GetReference(parameters);
        Vector512<double> sums = Vector512<double>.Zero;
        int width = Vector512<float>.Count;
        int i = 0;
        for (; i <= parameters.Length - width; i += width)
        {
            (Vector512<double> low, Vector512<double> high) = Vector512.Widen(Vector512.LoadUnsafe(ref theta, (nuint)i));
            low -= Vector512.LoadUnsafe(ref mean, (nuint)i);
            high -= Vector512.LoadUnsafe(ref mean, (nuint)(i + Vector512<double>.Count));
            sums = Vector512.FusedMultiplyAdd(low, low, Vector512.FusedMultiplyAdd(high, high, sums));
        }

        double sum = Vector512.Sum(sums);
        for (; i < parameters.Length; i++)
        {
            double delta = parameters[i] - _mean[i];
            sum += delta * delta;
        }

        return sum;
    }

    /// <summary>Applies the step in place, after all paths were folded in.</summary>
    /// <param name="parameters">θ of this version; becomes the next version.</param>
    /// <param name="momentum">m; zeros before the first step.</param>
    /// <param name="options">η, μ and s.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Apply(Span<float> parameters, Span<float> momentum, OuterStepOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(parameters.Length, _mean.Length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(momentum.Length, _mean.Length);
        Update update = new(options);
        ref double mean = ref MemoryMarshal.GetArrayDataReference(_mean);
        ref float theta = ref MemoryMarshal.GetReference(parameters);
        ref float moment = ref MemoryMarshal.GetReference(momentum);
        int width = Vector512<float>.Count;
        int i = 0;
        for (; i <= parameters.Length - width; i += width)
        {
            (Vector512<double> thetaLow, Vector512<double> thetaHigh) = Vector512.Widen(Vector512.LoadUnsafe(ref theta, (nuint)i));
            (Vector512<double> momentumLow, Vector512<double> momentumHigh) = Vector512.Widen(Vector512.LoadUnsafe(ref moment, (nuint)i));
            update.Make(ref thetaLow, ref momentumLow, Vector512.LoadUnsafe(ref mean, (nuint)i));
            update.Make(ref thetaHigh, ref momentumHigh, Vector512.LoadUnsafe(ref mean, (nuint)(i + Vector512<double>.Count)));
            Vector512.Narrow(thetaLow, thetaHigh).StoreUnsafe(ref theta, (nuint)i);
            Vector512.Narrow(momentumLow, momentumHigh).StoreUnsafe(ref moment, (nuint)i);
        }

        for (; i < parameters.Length; i++)
        {
            Vector512<double> single = Vector512.Create((double)parameters[i]);
            Vector512<double> m = Vector512.Create((double)momentum[i]);
            update.Make(ref single, ref m, Vector512.Create(_mean[i]));
            parameters[i] = (float)single[0];
            momentum[i] = (float)m[0];
        }
    }

    private readonly struct Update(OuterStepOptions options)
    {
        private readonly double _momentum = options.Momentum;
        private readonly double _scale = options.Scale;
        private readonly double _towardsMean = options.LearningRate * options.Scale;
        private readonly double _alongMomentum = options.LearningRate * options.Momentum;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
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
