namespace DiPaCo.Routing;

/// <summary>Features as a router sees them: each row is transformed when it is read, nothing is kept.</summary>
/// <param name="raw">The features before the transformation.</param>
/// <param name="transform">The transformation; of the same width.</param>
public sealed class TransformedFeatures(IFeatureSource raw, FeatureTransform transform) : IFeatureSource
{
    /// <inheritdoc/>
    public int Rows => raw.Rows;

    /// <inheritdoc/>
    public int Width => raw.Width;

    /// <inheritdoc/>
    public ReadOnlySpan<float> Read(int first, int count, Span<float> scratch)
    {
        Span<float> rows = scratch[..(count * Width)];
        transform.Apply(raw.Read(first, count, rows), rows);
        return rows;
    }
}
