using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>Exchanges rows and columns of 32-bit elements, bit for bit.</summary>
internal static unsafe class Transposition
{
    private const int Edge = 16;

    /// <summary>target[c, r] = source[r, c] for 16 × 16 elements.</summary>
    /// <param name="source">The first element.</param>
    /// <param name="sourceRow">Elements from a row of the source to the next.</param>
    /// <param name="target">Receives them; elsewhere.</param>
    /// <param name="targetRow">Elements from a row of the target to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Turn16(float* source, nint sourceRow, float* target, nint targetRow)
    {
        if (!Avx512F.IsSupported)
        {
            for (int c = 0; c < Edge; c++)
            {
                for (int r = 0; r < Edge; r++)
                {
                    target[(c * targetRow) + r] = source[(r * sourceRow) + c];
                }
            }

            return;
        }

        // Pairs of rows are interleaved, then pairs of pairs, then quarters of vectors change places.
        Vector512<float>* quads = stackalloc Vector512<float>[Edge];
        for (int r = 0; r < Edge; r += 4)
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
