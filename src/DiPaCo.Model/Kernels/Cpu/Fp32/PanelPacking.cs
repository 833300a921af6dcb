using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu.Fp32;

/// <summary>
/// Brings the second operand of a product into panels of <see cref="ProductTile.Columns"/> columns, [depth, columns of a panel], so that
/// <see cref="ProductTile"/> reads memory in order. Columns beyond the matrix are zero.
/// </summary>
internal static unsafe class PanelPacking
{
    private const int Edge = 16;

    /// <summary>Panels of so many columns.</summary>
    public static int PanelsOf(int columns) => (columns + ProductTile.Columns - 1) / ProductTile.Columns;

    /// <summary>Some rows of some panels of a matrix that is there as [depth, column].</summary>
    /// <param name="source">The first row.</param>
    /// <param name="columns">Columns of the matrix.</param>
    /// <param name="depth">Rows.</param>
    /// <param name="first">The first panel.</param>
    /// <param name="end">The panel behind the last.</param>
    /// <param name="panels">Receives panel after panel.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FromRows(float* source, int columns, int depth, int first, int end, float* panels)
    {
        int width = ProductTile.Columns;
        nint panelSize = (nint)depth * width;
        int whole = Math.Min(end, columns / width);
        for (int k = 0; k < depth; k++)
        {
            float* from = source + ((nint)k * columns) + ((nint)first * width);
            float* to = panels + ((nint)k * width);
            for (int panel = first; panel < whole; panel++)
            {
                for (int j = 0; j < width; j += Edge)
                {
                    Vector512.Load(from + j).Store(to + j);
                }

                from += width;
                to += panelSize;
            }

            if (whole < end)
            {
                int rest = columns - (whole * width);
                new ReadOnlySpan<float>(from, rest).CopyTo(new Span<float>(to, width));
                new Span<float>(to + rest, width - rest).Clear();
            }
        }
    }

    /// <summary>One panel of a matrix that is there as [column, depth].</summary>
    /// <param name="source">The matrix.</param>
    /// <param name="columns">Its columns (rows in memory).</param>
    /// <param name="depth">Its depth (numbers of a row in memory).</param>
    /// <param name="panel">Number of the panel.</param>
    /// <param name="target">Receives it.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FromColumns(float* source, int columns, int depth, int panel, float* target)
    {
        int width = ProductTile.Columns;
        for (int part = 0; part < width; part += Edge)
        {
            int column = (panel * width) + part;
            int present = Math.Clamp(columns - column, 0, Edge);
            int turned = present == Edge ? depth / Edge * Edge : 0;
            float* from = source + ((nint)column * depth);
            for (int k = 0; k < turned; k += Edge)
            {
                Transposition.Turn16(from + k, depth, target + ((nint)k * width) + part, width);
            }

            for (int k = turned; k < depth; k++)
            {
                float* to = target + ((nint)k * width) + part;
                for (int j = 0; j < present; j++)
                {
                    to[j] = from[((nint)j * depth) + k];
                }

                new Span<float>(to + present, Edge - present).Clear();
            }
        }
    }

    /// <summary>Some columns of a matrix that is there as [depth, column], as first operands of tiles: tile after tile, [depth, <see cref="ProductTile.Rows"/>].</summary>
    /// <param name="source">The first of the columns in the first row.</param>
    /// <param name="columns">Columns of the matrix: the distance of its rows.</param>
    /// <param name="first">The first row to bring over now.</param>
    /// <param name="end">The row behind the last.</param>
    /// <param name="depth">Rows in all.</param>
    /// <param name="present">Columns wanted; what is missing in the last tile is zero.</param>
    /// <param name="target">Receives them.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Left(float* source, nint columns, int first, int end, int depth, int present, float* target)
    {
        int rows = ProductTile.Rows;
        nint tileSize = (nint)depth * rows;
        int whole = present / rows;
        int rest = present - (whole * rows);
        source += first * columns;
        target += first * rows;
        for (int k = first; k < end; k++)
        {
            float* from = source;
            float* to = target;
            for (int tile = 0; tile < whole; tile++)
            {
                if (Vector512.IsHardwareAccelerated)
                {
                    Vector256.Load(from).Store(to);
                    Vector128.Load(from + 8).Store(to + 8);
                }
                else
                {
                    Vector128.Load(from).Store(to);
                    Vector64.Load(from + 4).Store(to + 4);
                }

                from += rows;
                to += tileSize;
            }

            if (rest > 0)
            {
                new ReadOnlySpan<float>(from, rest).CopyTo(new Span<float>(to, rows));
                new Span<float>(to + rest, rows - rest).Clear();
            }

            source += columns;
            target += rows;
        }
    }
}
