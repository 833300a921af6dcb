using DiPaCo.Core;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Routing;

/// <summary>
/// The affine preprocessing of a router, dimension by dimension: z = (x − shift) · scale. It is fitted on the training
/// features once and stored with the router, so that every later document is seen as the training documents were.
/// </summary>
public sealed class FeatureTransform
{
    private readonly float[] _shift;
    private readonly float[] _scale;

    /// <summary>Wraps stored values; copies them.</summary>
    /// <exception cref="ArgumentException">The lengths differ, or a value is not finite.</exception>
    public FeatureTransform(ReadOnlySpan<float> shift, ReadOnlySpan<float> scale)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(scale.Length, shift.Length);
        if (!RowMath.AllFinite(shift) || !RowMath.AllFinite(scale))
        {
            throw new ArgumentException("Shift and scale must be finite.", nameof(shift));
        }

        _shift = shift.ToArray();
        _scale = scale.ToArray();
    }

    /// <summary>Number of features d.</summary>
    public int Width => _shift.Length;

    /// <summary>What is subtracted, one number per dimension.</summary>
    public ReadOnlySpan<float> Shift => _shift;

    /// <summary>What the difference is multiplied with, one number per dimension; 0 where the training features did not vary.</summary>
    public ReadOnlySpan<float> Scale => _scale;

    /// <summary>Fits the preprocessing to the training features.</summary>
    /// <exception cref="DiPaCoException">There are no rows, or a feature is not finite.</exception>
    public static FeatureTransform Fit(IFeatureSource features, FeatureScaling scaling, int threads, CancellationToken cancellationToken = default)
    {
        FeatureMoments moments = FeatureMoments.Of(features, threads, cancellationToken);
        float[] shift = new float[features.Width];
        float[] scale = new float[features.Width];
        for (int dimension = 0; dimension < shift.Length; dimension++)
        {
            shift[dimension] = (float)moments.Mean(dimension);
            scale[dimension] = scaling == FeatureScaling.None ? 1f : InverseDeviation(moments, dimension);
        }

        return new FeatureTransform(shift, scale);
    }

    /// <summary>Writes (x − shift) · scale of each row to <paramref name="destination"/>, which may be <paramref name="rows"/> itself.</summary>
    public void Apply(ReadOnlySpan<float> rows, Span<float> destination)
    {
        for (int at = 0; at < rows.Length; at += Width)
        {
            RowMath.ShiftAndScale(rows.Slice(at, Width), _shift, _scale, destination.Slice(at, Width));
        }
    }

    // A dimension that varies by less than the rounding of its own values carries nothing but that rounding.
    private static float InverseDeviation(FeatureMoments moments, int dimension)
    {
        double deviation = Math.Sqrt(moments.Variance(dimension));
        double rounding = Math.Abs(moments.Mean(dimension)) * 1e-6;
        double inverse = 1.0 / deviation;
        return deviation > rounding && inverse <= float.MaxValue ? (float)inverse : 0f;
    }
}
