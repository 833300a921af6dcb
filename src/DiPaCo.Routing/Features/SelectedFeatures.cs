namespace DiPaCo.Routing;

/// <summary>Some rows of other features, in the order given.</summary>
/// <param name="source">The features that the rows come from.</param>
/// <param name="rows">Their numbers in <paramref name="source"/>.</param>
public sealed class SelectedFeatures(IFeatureSource source, ReadOnlyMemory<int> rows) : IFeatureSource
{
    /// <inheritdoc/>
    public int Rows => rows.Length;

    /// <inheritdoc/>
    public int Width => source.Width;

    /// <inheritdoc/>
    public ReadOnlySpan<float> Read(int first, int count, Span<float> scratch)
    {
        for (int at = 0; at < count; at++)
        {
            Span<float> row = scratch.Slice(at * Width, Width);
            source.Read(rows.Span[first + at], 1, row).CopyTo(row);
        }

        return scratch[..(count * Width)];
    }
}
