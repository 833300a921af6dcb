namespace DiPaCo.Model.Kernels.Cpu.Fp32;

/// <summary>Moves the part of a tile that a matrix has: at its edges a whole tile has no place there.</summary>
internal static unsafe class TileRows
{
    /// <summary>Copies rows.</summary>
    /// <param name="from">The first element.</param>
    /// <param name="fromRow">Distance of its rows.</param>
    /// <param name="to">Receives them.</param>
    /// <param name="toRow">Distance of its rows.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="width">Columns.</param>
    public static void Copy(float* from, nint fromRow, float* to, nint toRow, int rows, int width)
    {
        for (int row = 0; row < rows; row++)
        {
            new ReadOnlySpan<float>(from + (row * fromRow), width).CopyTo(new Span<float>(to + (row * toRow), width));
        }
    }
}
