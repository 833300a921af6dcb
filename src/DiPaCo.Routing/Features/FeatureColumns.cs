using System.Buffers;

namespace DiPaCo.Routing;

/// <summary>Some neighbouring dimensions of other features.</summary>
/// <param name="source">The features that the columns come from.</param>
/// <param name="firstColumn">First dimension.</param>
/// <param name="width">Number of dimensions, at least 1.</param>
internal sealed class FeatureColumns(IFeatureSource source, int firstColumn, int width) : IFeatureSource
{
    /// <inheritdoc/>
    public int Rows => source.Rows;

    /// <inheritdoc/>
    public int Width => width;

    /// <inheritdoc/>
    public ReadOnlySpan<float> Read(int first, int count, Span<float> scratch)
    {
        float[] rented = ArrayPool<float>.Shared.Rent(count * source.Width);
        Copy(source.Read(first, count, rented.AsSpan(0, count * source.Width)), source.Width, firstColumn, width, scratch);
        ArrayPool<float>.Shared.Return(rented);
        return scratch[..(count * width)];
    }

    /// <summary>Copies columns of whole rows.</summary>
    public static void Copy(ReadOnlySpan<float> rows, int rowWidth, int firstColumn, int width, Span<float> destination)
    {
        for (int row = 0; row * rowWidth < rows.Length; row++)
        {
            rows.Slice((row * rowWidth) + firstColumn, width).CopyTo(destination[(row * width)..]);
        }
    }
}
