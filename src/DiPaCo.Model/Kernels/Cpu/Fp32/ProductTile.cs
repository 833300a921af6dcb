using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DiPaCo.Model.Kernels.Cpu.Fp32;

/// <summary>
/// C = A·B or C += A·B for a tile of C that fits into the processor's registers: the inner loop of every fp32 product of a linear layer.
/// Each element of C is one chain of fused multiply-adds along the depth, in order, so its bits depend neither on the size of the tile nor on how
/// often a product is interrupted and taken up again, and processors with vectors of 256 and of 512 bits give the same.
/// Written out by hand, because anything else makes the compiler spill the sums.
/// </summary>
internal static unsafe class ProductTile
{
    /// <summary>Whether products are computed here: without fused multiply-adds, and where no vector has 256 bits, libtorch's are faster.</summary>
    public static bool IsSupported => Fma.IsSupported && Vector256.IsHardwareAccelerated;

    /// <summary>Rows of a tile.</summary>
    public static int Rows => Vector512.IsHardwareAccelerated ? 12 : 6;

    /// <summary>Columns of a tile, and of a panel of B.</summary>
    public static int Columns => Vector512.IsHardwareAccelerated ? 32 : 16;

    /// <summary>Computes a tile.</summary>
    /// <param name="a">Element (m, k) is at a[m·aRow + k·aDepth].</param>
    /// <param name="aRow">Distance of A's rows.</param>
    /// <param name="aDepth">Distance along A's depth.</param>
    /// <param name="b">A panel: [depth, <see cref="Columns"/>].</param>
    /// <param name="c">Element (m, n) is at c[m·cRow + n].</param>
    /// <param name="cRow">Distance of C's rows.</param>
    /// <param name="depth">Length of the sums.</param>
    /// <param name="accumulate">Whether C is added to.</param>
    /// <param name="ahead">Memory that is needed soon: a line of the cache is asked for at every step along the depth.</param>
    /// <param name="aheadStep">Floats from one of these lines to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Multiply(float* a, nint aRow, nint aDepth, float* b, float* c, nint cRow, nint depth, bool accumulate, float* ahead, nint aheadStep)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            Rows12(a, aRow, aDepth, b, c, cRow, depth, accumulate, ahead, aheadStep);
        }
        else
        {
            Rows6(a, aRow, aDepth, b, c, cRow, depth, accumulate, ahead, aheadStep);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows12(float* a, nint aRow, nint aDepth, float* b, float* c, nint cRow, nint depth, bool accumulate, float* ahead, nint aheadStep)
    {
        Vector512<float> l0 = Vector512<float>.Zero, r0 = Vector512<float>.Zero;
        Vector512<float> l1 = Vector512<float>.Zero, r1 = Vector512<float>.Zero;
        Vector512<float> l2 = Vector512<float>.Zero, r2 = Vector512<float>.Zero;
        Vector512<float> l3 = Vector512<float>.Zero, r3 = Vector512<float>.Zero;
        Vector512<float> l4 = Vector512<float>.Zero, r4 = Vector512<float>.Zero;
        Vector512<float> l5 = Vector512<float>.Zero, r5 = Vector512<float>.Zero;
        Vector512<float> l6 = Vector512<float>.Zero, r6 = Vector512<float>.Zero;
        Vector512<float> l7 = Vector512<float>.Zero, r7 = Vector512<float>.Zero;
        Vector512<float> l8 = Vector512<float>.Zero, r8 = Vector512<float>.Zero;
        Vector512<float> l9 = Vector512<float>.Zero, r9 = Vector512<float>.Zero;
        Vector512<float> l10 = Vector512<float>.Zero, r10 = Vector512<float>.Zero;
        Vector512<float> l11 = Vector512<float>.Zero, r11 = Vector512<float>.Zero;
        if (accumulate)
        {
            l0 = Vector512.Load(c);
            r0 = Vector512.Load(c + 16);
            l1 = Vector512.Load(c + cRow);
            r1 = Vector512.Load(c + cRow + 16);
            l2 = Vector512.Load(c + (2 * cRow));
            r2 = Vector512.Load(c + (2 * cRow) + 16);
            l3 = Vector512.Load(c + (3 * cRow));
            r3 = Vector512.Load(c + (3 * cRow) + 16);
            l4 = Vector512.Load(c + (4 * cRow));
            r4 = Vector512.Load(c + (4 * cRow) + 16);
            l5 = Vector512.Load(c + (5 * cRow));
            r5 = Vector512.Load(c + (5 * cRow) + 16);
            l6 = Vector512.Load(c + (6 * cRow));
            r6 = Vector512.Load(c + (6 * cRow) + 16);
            l7 = Vector512.Load(c + (7 * cRow));
            r7 = Vector512.Load(c + (7 * cRow) + 16);
            l8 = Vector512.Load(c + (8 * cRow));
            r8 = Vector512.Load(c + (8 * cRow) + 16);
            l9 = Vector512.Load(c + (9 * cRow));
            r9 = Vector512.Load(c + (9 * cRow) + 16);
            l10 = Vector512.Load(c + (10 * cRow));
            r10 = Vector512.Load(c + (10 * cRow) + 16);
            l11 = Vector512.Load(c + (11 * cRow));
            r11 = Vector512.Load(c + (11 * cRow) + 16);
            Sse.Prefetch0(c + (12 * cRow));
            Sse.Prefetch0(c + (12 * cRow) + 16);
            Sse.Prefetch0(c + (13 * cRow));
            Sse.Prefetch0(c + (13 * cRow) + 16);
            Sse.Prefetch0(c + (14 * cRow));
            Sse.Prefetch0(c + (14 * cRow) + 16);
            Sse.Prefetch0(c + (15 * cRow));
            Sse.Prefetch0(c + (15 * cRow) + 16);
            Sse.Prefetch0(c + (16 * cRow));
            Sse.Prefetch0(c + (16 * cRow) + 16);
            Sse.Prefetch0(c + (17 * cRow));
            Sse.Prefetch0(c + (17 * cRow) + 16);
            Sse.Prefetch0(c + (18 * cRow));
            Sse.Prefetch0(c + (18 * cRow) + 16);
            Sse.Prefetch0(c + (19 * cRow));
            Sse.Prefetch0(c + (19 * cRow) + 16);
            Sse.Prefetch0(c + (20 * cRow));
            Sse.Prefetch0(c + (20 * cRow) + 16);
            Sse.Prefetch0(c + (21 * cRow));
            Sse.Prefetch0(c + (21 * cRow) + 16);
            Sse.Prefetch0(c + (22 * cRow));
            Sse.Prefetch0(c + (22 * cRow) + 16);
            Sse.Prefetch0(c + (23 * cRow));
            Sse.Prefetch0(c + (23 * cRow) + 16);
        }

        nint aRow2 = 2 * aRow;
        nint aRow3 = 3 * aRow;
        float* a4 = a + (4 * aRow);
        float* a8 = a + (8 * aRow);
        for (float* end = b + (depth * 32); b != end; b += 32)
        {
            Vector512<float> left = Vector512.Load(b);
            Vector512<float> right = Vector512.Load(b + 16);
            Vector512<float> x = Vector512.Create(a[0]);
            l0 = Vector512.FusedMultiplyAdd(x, left, l0);
            r0 = Vector512.FusedMultiplyAdd(x, right, r0);
            x = Vector512.Create(a[aRow]);
            l1 = Vector512.FusedMultiplyAdd(x, left, l1);
            r1 = Vector512.FusedMultiplyAdd(x, right, r1);
            x = Vector512.Create(a[aRow2]);
            l2 = Vector512.FusedMultiplyAdd(x, left, l2);
            r2 = Vector512.FusedMultiplyAdd(x, right, r2);
            x = Vector512.Create(a[aRow3]);
            l3 = Vector512.FusedMultiplyAdd(x, left, l3);
            r3 = Vector512.FusedMultiplyAdd(x, right, r3);
            x = Vector512.Create(a4[0]);
            l4 = Vector512.FusedMultiplyAdd(x, left, l4);
            r4 = Vector512.FusedMultiplyAdd(x, right, r4);
            x = Vector512.Create(a4[aRow]);
            l5 = Vector512.FusedMultiplyAdd(x, left, l5);
            r5 = Vector512.FusedMultiplyAdd(x, right, r5);
            x = Vector512.Create(a4[aRow2]);
            l6 = Vector512.FusedMultiplyAdd(x, left, l6);
            r6 = Vector512.FusedMultiplyAdd(x, right, r6);
            x = Vector512.Create(a4[aRow3]);
            l7 = Vector512.FusedMultiplyAdd(x, left, l7);
            r7 = Vector512.FusedMultiplyAdd(x, right, r7);
            x = Vector512.Create(a8[0]);
            l8 = Vector512.FusedMultiplyAdd(x, left, l8);
            r8 = Vector512.FusedMultiplyAdd(x, right, r8);
            x = Vector512.Create(a8[aRow]);
            l9 = Vector512.FusedMultiplyAdd(x, left, l9);
            r9 = Vector512.FusedMultiplyAdd(x, right, r9);
            x = Vector512.Create(a8[aRow2]);
            l10 = Vector512.FusedMultiplyAdd(x, left, l10);
            r10 = Vector512.FusedMultiplyAdd(x, right, r10);
            x = Vector512.Create(a8[aRow3]);
            l11 = Vector512.FusedMultiplyAdd(x, left, l11);
            r11 = Vector512.FusedMultiplyAdd(x, right, r11);
            Sse.Prefetch1(ahead);
            ahead += aheadStep;
            a += aDepth;
            a4 += aDepth;
            a8 += aDepth;
        }

        l0.Store(c);
        r0.Store(c + 16);
        l1.Store(c + cRow);
        r1.Store(c + cRow + 16);
        l2.Store(c + (2 * cRow));
        r2.Store(c + (2 * cRow) + 16);
        l3.Store(c + (3 * cRow));
        r3.Store(c + (3 * cRow) + 16);
        l4.Store(c + (4 * cRow));
        r4.Store(c + (4 * cRow) + 16);
        l5.Store(c + (5 * cRow));
        r5.Store(c + (5 * cRow) + 16);
        l6.Store(c + (6 * cRow));
        r6.Store(c + (6 * cRow) + 16);
        l7.Store(c + (7 * cRow));
        r7.Store(c + (7 * cRow) + 16);
        l8.Store(c + (8 * cRow));
        r8.Store(c + (8 * cRow) + 16);
        l9.Store(c + (9 * cRow));
        r9.Store(c + (9 * cRow) + 16);
        l10.Store(c + (10 * cRow));
        r10.Store(c + (10 * cRow) + 16);
        l11.Store(c + (11 * cRow));
        r11.Store(c + (11 * cRow) + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows6(float* a, nint aRow, nint aDepth, float* b, float* c, nint cRow, nint depth, bool accumulate, float* ahead, nint aheadStep)
    {
        Vector256<float> l0 = Vector256<float>.Zero, r0 = Vector256<float>.Zero;
        Vector256<float> l1 = Vector256<float>.Zero, r1 = Vector256<float>.Zero;
        Vector256<float> l2 = Vector256<float>.Zero, r2 = Vector256<float>.Zero;
        Vector256<float> l3 = Vector256<float>.Zero, r3 = Vector256<float>.Zero;
        Vector256<float> l4 = Vector256<float>.Zero, r4 = Vector256<float>.Zero;
        Vector256<float> l5 = Vector256<float>.Zero, r5 = Vector256<float>.Zero;
        if (accumulate)
        {
            l0 = Vector256.Load(c);
            r0 = Vector256.Load(c + 8);
            l1 = Vector256.Load(c + cRow);
            r1 = Vector256.Load(c + cRow + 8);
            l2 = Vector256.Load(c + (2 * cRow));
            r2 = Vector256.Load(c + (2 * cRow) + 8);
            l3 = Vector256.Load(c + (3 * cRow));
            r3 = Vector256.Load(c + (3 * cRow) + 8);
            l4 = Vector256.Load(c + (4 * cRow));
            r4 = Vector256.Load(c + (4 * cRow) + 8);
            l5 = Vector256.Load(c + (5 * cRow));
            r5 = Vector256.Load(c + (5 * cRow) + 8);
        }

        nint aRow2 = 2 * aRow;
        nint aRow3 = 3 * aRow;
        float* a4 = a + (4 * aRow);
        for (float* end = b + (depth * 16); b != end; b += 16)
        {
            Vector256<float> left = Vector256.Load(b);
            Vector256<float> right = Vector256.Load(b + 8);
            Vector256<float> x = Vector256.Create(a[0]);
            l0 = Vector256.FusedMultiplyAdd(x, left, l0);
            r0 = Vector256.FusedMultiplyAdd(x, right, r0);
            x = Vector256.Create(a[aRow]);
            l1 = Vector256.FusedMultiplyAdd(x, left, l1);
            r1 = Vector256.FusedMultiplyAdd(x, right, r1);
            x = Vector256.Create(a[aRow2]);
            l2 = Vector256.FusedMultiplyAdd(x, left, l2);
            r2 = Vector256.FusedMultiplyAdd(x, right, r2);
            x = Vector256.Create(a[aRow3]);
            l3 = Vector256.FusedMultiplyAdd(x, left, l3);
            r3 = Vector256.FusedMultiplyAdd(x, right, r3);
            x = Vector256.Create(a4[0]);
            l4 = Vector256.FusedMultiplyAdd(x, left, l4);
            r4 = Vector256.FusedMultiplyAdd(x, right, r4);
            x = Vector256.Create(a4[aRow]);
            l5 = Vector256.FusedMultiplyAdd(x, left, l5);
            r5 = Vector256.FusedMultiplyAdd(x, right, r5);
            Sse.Prefetch1(ahead);
            ahead += aheadStep;
            a += aDepth;
            a4 += aDepth;
        }

        l0.Store(c);
        r0.Store(c + 8);
        l1.Store(c + cRow);
        r1.Store(c + cRow + 8);
        l2.Store(c + (2 * cRow));
        r2.Store(c + (2 * cRow) + 8);
        l3.Store(c + (3 * cRow));
        r3.Store(c + (3 * cRow) + 8);
        l4.Store(c + (4 * cRow));
        r4.Store(c + (4 * cRow) + 8);
        l5.Store(c + (5 * cRow));
        r5.Store(c + (5 * cRow) + 8);
    }
}
