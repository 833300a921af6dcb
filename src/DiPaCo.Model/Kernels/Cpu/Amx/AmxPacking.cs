using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DiPaCo.Model.Kernels.Cpu.Amx;

/// <summary>Brings fp32 into the forms that <see cref="AmxProduct"/> reads. Rounding is that of <see cref="BFloat16Element"/>.</summary>
internal static unsafe class AmxPacking
{
    private const int Vector = 16;

    /// <summary>Two numbers a lane: <paramref name="even"/> in the lower halves, <paramref name="odd"/> in the upper ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> Pair(Vector512<float> even, Vector512<float> odd) =>
        (BFloat16Element.Round(even) >>> 16) | (BFloat16Element.Round(odd) & Vector512.Create(0xFFFF0000u));

    /// <summary>Stores the lower halves and the upper halves of pairs, 16 numbers each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreHalves(Vector512<uint> pairs, ushort* even, ushort* odd)
    {
        Avx512F.ConvertToVector256UInt16(pairs).Store(even);
        Avx512F.ConvertToVector256UInt16(pairs >>> 16).Store(odd);
    }

    /// <summary>target[row, d] = rows[row, d], rounded.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Round(float* rows, nint count, ushort* target)
    {
        for (nint i = 0; i < count; i += Vector)
        {
            BFloat16Element.Store(target, i, Vector512.Load(rows + i));
        }
    }

    /// <summary>pairs[row / 2, d] = (rows[row, d], rows[row + 1, d]).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PairRows(float* rows, int count, int width, uint* pairs)
    {
        for (int row = 0; row < count; row += 2)
        {
            float* even = rows + (row * width);
            float* odd = even + width;
            uint* target = pairs + (row / 2 * width);
            for (int d = 0; d < width; d += Vector)
            {
                Pair(Vector512.Load(even + d), Vector512.Load(odd + d)).Store(target + d);
            }
        }
    }

    /// <summary>16 elements of a row beside those of the next one; what lies beyond the last row or column is 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<uint> PairAt(ushort* source, nint columns, int rows, int row, nint column)
    {
        ushort* even = source + (row * columns) + column;
        if (row + 1 < rows && column < columns)
        {
            return Avx512F.ConvertToVector512UInt32(Vector256.Load(even)) | (Avx512F.ConvertToVector512UInt32(Vector256.Load(even + columns)) << 16);
        }

        return row < rows && column < columns ? Avx512F.ConvertToVector512UInt32(Vector256.Load(even)) : Vector512<uint>.Zero;
    }

    /// <summary>
    /// Brings bf16 rows into pairs, in panels of 32 columns, [depth / 2, 32] each; what lies beyond the last row or column is 0. A row is read from one end of
    /// the columns to the other: it lies far from the next.
    /// </summary>
    /// <param name="source">[rows, columns].</param>
    /// <param name="columns">Columns of the source.</param>
    /// <param name="rows">Rows of the source.</param>
    /// <param name="from">The first row and column that are wanted.</param>
    /// <param name="size">How many, both even: rows, and columns in whole panels.</param>
    /// <param name="panels">Receives the panels.</param>
    /// <param name="panel">Pairs from a panel to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackPanels(ushort* source, nint columns, int rows, (int Row, nint Column) from, (int Rows, int Columns) size, uint* panels, nint panel)
    {
        for (int row = from.Row; row < from.Row + size.Rows; row += 2)
        {
            uint* target = panels;
            for (int c = 0; c < size.Columns; c += AmxProduct.Block)
            {
                PairAt(source, columns, rows, row, from.Column + c).Store(target);
                PairAt(source, columns, rows, row, from.Column + c + Vector).Store(target + Vector);
                target += panel;
            }

            panels += AmxProduct.Block;
        }
    }

    /// <summary>turned[d, row] = rows[row, d] for 16 rows, rounded.</summary>
    /// <param name="rows">[16, width].</param>
    /// <param name="width">A multiple of 16.</param>
    /// <param name="turned">[width, stride].</param>
    /// <param name="stride">Elements from a row of <paramref name="turned"/> to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void RoundTurned(float* rows, int width, ushort* turned, nint stride)
    {
        float* block = stackalloc float[Vector * Vector];
        for (int d = 0; d < width; d += Vector)
        {
            Transposition.Turn16(rows + d, width, block, Vector);
            for (int row = 0; row < Vector; row++)
            {
                BFloat16Element.Store(turned + ((d + row) * stride), 0, Vector512.Load(block + (row * Vector)));
            }
        }
    }

    /// <summary>turned[c, r] = source[r, c], whatever 32 bits the elements are. Rows and columns are multiples of 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Turn(float* source, int rows, int columns, float* turned)
    {
        for (int r = 0; r < rows; r += Vector)
        {
            for (int c = 0; c < columns; c += Vector)
            {
                Transposition.Turn16(source + (r * columns) + c, columns, turned + (c * rows) + r, rows);
            }
        }
    }
}
