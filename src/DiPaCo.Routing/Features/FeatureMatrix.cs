namespace DiPaCo.Routing;

/// <summary>
/// An n × d matrix of features in memory, kept in chunks of rows: n · d may exceed what one array can hold,
/// and no chunk is larger than 32 MiB (or one row).
/// </summary>
public sealed class FeatureMatrix : IFeatureSource
{
    /// <summary>Widest row that is accepted, here and in files.</summary>
    public const int MaximumWidth = 1 << 16;

    private const int ChunkElements = 8 << 20;

    private readonly float[][] _chunks;
    private readonly int _rowsPerChunk;

    /// <summary>Creates a matrix of zeros.</summary>
    /// <param name="rows">Number of rows, 0 or more.</param>
    /// <param name="width">Features of a row, 1 to <see cref="MaximumWidth"/>.</param>
    public FeatureMatrix(int rows, int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(width, MaximumWidth);
        Rows = rows;
        Width = width;
        // A multiple of the block of a pass, so that a block never straddles two chunks and is never copied.
        _rowsPerChunk = Math.Max(RowBlocks.Rows, ChunkElements / width / RowBlocks.Rows * RowBlocks.Rows);
        _chunks = new float[(rows + _rowsPerChunk - 1) / _rowsPerChunk][];
        for (int chunk = 0; chunk < _chunks.Length; chunk++)
        {
            _chunks[chunk] = new float[Math.Min(_rowsPerChunk, rows - (chunk * _rowsPerChunk)) * width];
        }
    }

    /// <summary>A matrix with the given numbers, copied.</summary>
    /// <param name="values">Row after row.</param>
    /// <param name="width">Numbers of a row.</param>
    public static FeatureMatrix Of(ReadOnlySpan<float> values, int width)
    {
        FeatureMatrix matrix = new(values.Length / width, width);
        for (int row = 0; row < matrix.Rows; row++)
        {
            values.Slice(row * width, width).CopyTo(matrix.Row(row));
        }

        return matrix;
    }

    /// <inheritdoc/>
    public int Rows { get; }

    /// <inheritdoc/>
    public int Width { get; }

    /// <summary>One row, to read or to fill.</summary>
    public Span<float> Row(int row)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, Rows);
        (int chunk, int inside) = Math.DivRem(row, _rowsPerChunk);
        return _chunks[chunk].AsSpan(inside * Width, Width);
    }

    /// <summary>All rows, copied to one array; for matrices that fit into one.</summary>
    public float[] ToArray()
    {
        float[] values = new float[checked(Rows * Width)];
        for (int row = 0; row < Rows; row++)
        {
            Row(row).CopyTo(values.AsSpan(row * Width));
        }

        return values;
    }

    /// <summary>Some rows, copied, in the order given.</summary>
    public FeatureMatrix Select(IReadOnlyList<int> rows)
    {
        FeatureMatrix selected = new(rows.Count, Width);
        for (int row = 0; row < rows.Count; row++)
        {
            Row(rows[row]).CopyTo(selected.Row(row));
        }

        return selected;
    }

    /// <inheritdoc/>
    public ReadOnlySpan<float> Read(int first, int count, Span<float> scratch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Rows - first);
        if (count == 0)
        {
            return [];
        }

        (int chunk, int inside) = Math.DivRem(first, _rowsPerChunk);
        if (inside + count <= _rowsPerChunk)
        {
            return _chunks[chunk].AsSpan(inside * Width, count * Width);
        }

        for (int row = 0; row < count; row++)
        {
            Row(first + row).CopyTo(scratch[(row * Width)..]);
        }

        return scratch[..(count * Width)];
    }
}
