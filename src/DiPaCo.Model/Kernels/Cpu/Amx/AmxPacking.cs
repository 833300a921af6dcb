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
            Turn16(rows + d, width, block, Vector);
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
                Turn16(source + (r * columns) + c, columns, turned + (c * rows) + r, rows);
            }
        }
    }

    /// <summary>Transposes 16 × 16 elements: pairs of rows are interleaved, then pairs of pairs, then quarters of vectors change places.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Turn16(float* source, nint sourceRow, float* target, nint targetRow)
    {
        Vector512<float>* quads = stackalloc Vector512<float>[Vector];
        for (int r = 0; r < Vector; r += 4)
        {
            float* from = source + (r * sourceRow);
            Vector512<float> a = Vector512.Load(from);
            Vector512<float> b = Vector512.Load(from + sourceRow);
            Vector512<float> c = Vector512.Load(from + (2 * sourceRow));
            Vector512<float> d = Vector512.Load(from + (3 * sourceRow));
            Vector512<double> lowAb = Avx512F.UnpackLow(a, b).AsDouble();
            Vector512<double> highAb = Avx512F.UnpackHigh(a, b).AsDouble();
            Vector512<double> lowCd = Avx512F.UnpackLow(c, d).AsDouble();
            Vector512<double> highCd = Avx512F.UnpackHigh(c, d).AsDouble();

            // Lane q of quads[r + j]: column 4q + j of the four rows.
            quads[r] = Avx512F.UnpackLow(lowAb, lowCd).AsSingle();
            quads[r + 1] = Avx512F.UnpackHigh(lowAb, lowCd).AsSingle();
            quads[r + 2] = Avx512F.UnpackLow(highAb, highCd).AsSingle();
            quads[r + 3] = Avx512F.UnpackHigh(highAb, highCd).AsSingle();
        }

        for (int j = 0; j < 4; j++)
        {
            Vector512<float> even01 = Avx512F.Shuffle4x128(quads[j], quads[4 + j], 0x88);
            Vector512<float> odd01 = Avx512F.Shuffle4x128(quads[j], quads[4 + j], 0xDD);
            Vector512<float> even23 = Avx512F.Shuffle4x128(quads[8 + j], quads[12 + j], 0x88);
            Vector512<float> odd23 = Avx512F.Shuffle4x128(quads[8 + j], quads[12 + j], 0xDD);
            Avx512F.Shuffle4x128(even01, even23, 0x88).Store(target + (j * targetRow));
            Avx512F.Shuffle4x128(odd01, odd23, 0x88).Store(target + ((4 + j) * targetRow));
            Avx512F.Shuffle4x128(even01, even23, 0xDD).Store(target + ((8 + j) * targetRow));
            Avx512F.Shuffle4x128(odd01, odd23, 0xDD).Store(target + ((12 + j) * targetRow));
        }
    }
}
