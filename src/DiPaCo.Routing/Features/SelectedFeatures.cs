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
        ReadOnlySpan<int> wanted = rows.Span.Slice(first, count);
        for (int at = 0; at < count;)
        {
            // Neighbours are read together: a read of a file costs much more than the copy of a row.
            int run = 1;
            while (at + run < count && wanted[at + run] == wanted[at] + run)
            {
                run++;
            }

            Span<float> place = scratch.Slice(at * Width, run * Width);
            source.Read(wanted[at], run, place).CopyTo(place);
            at += run;
        }

        return scratch[..(count * Width)];
    }
}
