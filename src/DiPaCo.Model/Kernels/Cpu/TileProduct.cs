using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>
/// C = A·B or C += A·B on fp32 tiles that lie in the cache: the products inside attention, which are too small to be worth a
/// call of a library. A may be read by rows or by columns. 4 rows × 64 columns of C are held in registers.
/// </summary>
internal static unsafe class TileProduct
{
    /// <param name="a">Element (m, k) is at a[m·aRow + k·aDepth].</param>
    /// <param name="aRow">Distance of A's rows.</param>
    /// <param name="aDepth">Distance along A's depth.</param>
    /// <param name="b">Element (k, n) is at b[k·bRow + n].</param>
    /// <param name="bRow">Distance of B's rows.</param>
    /// <param name="c">Element (m, n) is at c[m·cRow + n].</param>
    /// <param name="cRow">Distance of C's rows.</param>
    /// <param name="size">Rows (a multiple of 4), columns (a multiple of 16) and depth.</param>
    /// <param name="accumulate">Whether C is added to.</param>
    public static void Multiply(
        float* a, nint aRow, nint aDepth, float* b, nint bRow, float* c, nint cRow, (int Rows, int Columns, int Depth) size, bool accumulate)
    {
        int n = 0;
        if (!Vector512.IsHardwareAccelerated)
        {
            // Wider tiles would not fit the registers.
            for (; n < size.Columns; n += 16)
            {
                for (int m = 0; m < size.Rows; m += 4)
                {
                    Halves16(a + (m * aRow), aRow, aDepth, b + n, bRow, c + (m * cRow) + n, cRow, size.Depth, accumulate);
                }
            }

            return;
        }

        for (; n + 64 <= size.Columns; n += 64)
        {
            for (int m = 0; m < size.Rows; m += 4)
            {
                Columns64(a + (m * aRow), aRow, aDepth, b + n, bRow, c + (m * cRow) + n, cRow, size.Depth, accumulate);
            }
        }

        for (; n + 32 <= size.Columns; n += 32)
        {
            for (int m = 0; m < size.Rows; m += 4)
            {
                Columns32(a + (m * aRow), aRow, aDepth, b + n, bRow, c + (m * cRow) + n, cRow, size.Depth, accumulate);
            }
        }

        for (; n + 16 <= size.Columns; n += 16)
        {
            for (int m = 0; m < size.Rows; m += 4)
            {
                Columns16(a + (m * aRow), aRow, aDepth, b + n, bRow, c + (m * cRow) + n, cRow, size.Depth, accumulate);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Columns64(float* a, nint aRow, nint aDepth, float* b, nint bRow, float* c, nint cRow, int depth, bool accumulate)
    {
        Vector512<float> c00 = Vector512<float>.Zero, c01 = Vector512<float>.Zero, c02 = Vector512<float>.Zero, c03 = Vector512<float>.Zero;
        Vector512<float> c10 = Vector512<float>.Zero, c11 = Vector512<float>.Zero, c12 = Vector512<float>.Zero, c13 = Vector512<float>.Zero;
        Vector512<float> c20 = Vector512<float>.Zero, c21 = Vector512<float>.Zero, c22 = Vector512<float>.Zero, c23 = Vector512<float>.Zero;
        Vector512<float> c30 = Vector512<float>.Zero, c31 = Vector512<float>.Zero, c32 = Vector512<float>.Zero, c33 = Vector512<float>.Zero;
        if (accumulate)
        {
            c00 = Vector512.Load(c);
            c01 = Vector512.Load(c + 16);
            c02 = Vector512.Load(c + 32);
            c03 = Vector512.Load(c + 48);
            c10 = Vector512.Load(c + cRow);
            c11 = Vector512.Load(c + cRow + 16);
            c12 = Vector512.Load(c + cRow + 32);
            c13 = Vector512.Load(c + cRow + 48);
            c20 = Vector512.Load(c + (2 * cRow));
            c21 = Vector512.Load(c + (2 * cRow) + 16);
            c22 = Vector512.Load(c + (2 * cRow) + 32);
            c23 = Vector512.Load(c + (2 * cRow) + 48);
            c30 = Vector512.Load(c + (3 * cRow));
            c31 = Vector512.Load(c + (3 * cRow) + 16);
            c32 = Vector512.Load(c + (3 * cRow) + 32);
            c33 = Vector512.Load(c + (3 * cRow) + 48);
        }

        nint aRow2 = 2 * aRow;
        nint aRow3 = 3 * aRow;
        for (int k = 0; k < depth; k++)
        {
            Vector512<float> b0 = Vector512.Load(b);
            Vector512<float> b1 = Vector512.Load(b + 16);
            Vector512<float> b2 = Vector512.Load(b + 32);
            Vector512<float> b3 = Vector512.Load(b + 48);
            Vector512<float> a0 = Vector512.Create(a[0]);
            c00 = Vector512.FusedMultiplyAdd(a0, b0, c00);
            c01 = Vector512.FusedMultiplyAdd(a0, b1, c01);
            c02 = Vector512.FusedMultiplyAdd(a0, b2, c02);
            c03 = Vector512.FusedMultiplyAdd(a0, b3, c03);
            Vector512<float> a1 = Vector512.Create(a[aRow]);
            c10 = Vector512.FusedMultiplyAdd(a1, b0, c10);
            c11 = Vector512.FusedMultiplyAdd(a1, b1, c11);
            c12 = Vector512.FusedMultiplyAdd(a1, b2, c12);
            c13 = Vector512.FusedMultiplyAdd(a1, b3, c13);
            Vector512<float> a2 = Vector512.Create(a[aRow2]);
            c20 = Vector512.FusedMultiplyAdd(a2, b0, c20);
            c21 = Vector512.FusedMultiplyAdd(a2, b1, c21);
            c22 = Vector512.FusedMultiplyAdd(a2, b2, c22);
            c23 = Vector512.FusedMultiplyAdd(a2, b3, c23);
            Vector512<float> a3 = Vector512.Create(a[aRow3]);
            c30 = Vector512.FusedMultiplyAdd(a3, b0, c30);
            c31 = Vector512.FusedMultiplyAdd(a3, b1, c31);
            c32 = Vector512.FusedMultiplyAdd(a3, b2, c32);
            c33 = Vector512.FusedMultiplyAdd(a3, b3, c33);
            a += aDepth;
            b += bRow;
        }

        c00.Store(c);
        c01.Store(c + 16);
        c02.Store(c + 32);
        c03.Store(c + 48);
        c10.Store(c + cRow);
        c11.Store(c + cRow + 16);
        c12.Store(c + cRow + 32);
        c13.Store(c + cRow + 48);
        c20.Store(c + (2 * cRow));
        c21.Store(c + (2 * cRow) + 16);
        c22.Store(c + (2 * cRow) + 32);
        c23.Store(c + (2 * cRow) + 48);
        c30.Store(c + (3 * cRow));
        c31.Store(c + (3 * cRow) + 16);
        c32.Store(c + (3 * cRow) + 32);
        c33.Store(c + (3 * cRow) + 48);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Columns32(float* a, nint aRow, nint aDepth, float* b, nint bRow, float* c, nint cRow, int depth, bool accumulate)
    {
        Vector512<float> c00 = Vector512<float>.Zero, c01 = Vector512<float>.Zero;
        Vector512<float> c10 = Vector512<float>.Zero, c11 = Vector512<float>.Zero;
        Vector512<float> c20 = Vector512<float>.Zero, c21 = Vector512<float>.Zero;
        Vector512<float> c30 = Vector512<float>.Zero, c31 = Vector512<float>.Zero;
        if (accumulate)
        {
            c00 = Vector512.Load(c);
            c01 = Vector512.Load(c + 16);
            c10 = Vector512.Load(c + cRow);
            c11 = Vector512.Load(c + cRow + 16);
            c20 = Vector512.Load(c + (2 * cRow));
            c21 = Vector512.Load(c + (2 * cRow) + 16);
            c30 = Vector512.Load(c + (3 * cRow));
            c31 = Vector512.Load(c + (3 * cRow) + 16);
        }

        nint aRow2 = 2 * aRow;
        nint aRow3 = 3 * aRow;
        for (int k = 0; k < depth; k++)
        {
            Vector512<float> b0 = Vector512.Load(b);
            Vector512<float> b1 = Vector512.Load(b + 16);
            Vector512<float> a0 = Vector512.Create(a[0]);
            c00 = Vector512.FusedMultiplyAdd(a0, b0, c00);
            c01 = Vector512.FusedMultiplyAdd(a0, b1, c01);
            Vector512<float> a1 = Vector512.Create(a[aRow]);
            c10 = Vector512.FusedMultiplyAdd(a1, b0, c10);
            c11 = Vector512.FusedMultiplyAdd(a1, b1, c11);
            Vector512<float> a2 = Vector512.Create(a[aRow2]);
            c20 = Vector512.FusedMultiplyAdd(a2, b0, c20);
            c21 = Vector512.FusedMultiplyAdd(a2, b1, c21);
            Vector512<float> a3 = Vector512.Create(a[aRow3]);
            c30 = Vector512.FusedMultiplyAdd(a3, b0, c30);
            c31 = Vector512.FusedMultiplyAdd(a3, b1, c31);
            a += aDepth;
            b += bRow;
        }

        c00.Store(c);
        c01.Store(c + 16);
        c10.Store(c + cRow);
        c11.Store(c + cRow + 16);
        c20.Store(c + (2 * cRow));
        c21.Store(c + (2 * cRow) + 16);
        c30.Store(c + (3 * cRow));
        c31.Store(c + (3 * cRow) + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Columns16(float* a, nint aRow, nint aDepth, float* b, nint bRow, float* c, nint cRow, int depth, bool accumulate)
    {
        Vector512<float> c00 = Vector512<float>.Zero;
        Vector512<float> c10 = Vector512<float>.Zero;
        Vector512<float> c20 = Vector512<float>.Zero;
        Vector512<float> c30 = Vector512<float>.Zero;
        if (accumulate)
        {
            c00 = Vector512.Load(c);
            c10 = Vector512.Load(c + cRow);
            c20 = Vector512.Load(c + (2 * cRow));
            c30 = Vector512.Load(c + (3 * cRow));
        }

        nint aRow2 = 2 * aRow;
        nint aRow3 = 3 * aRow;
        for (int k = 0; k < depth; k++)
        {
            Vector512<float> b0 = Vector512.Load(b);
            Vector512<float> a0 = Vector512.Create(a[0]);
            c00 = Vector512.FusedMultiplyAdd(a0, b0, c00);
            Vector512<float> a1 = Vector512.Create(a[aRow]);
            c10 = Vector512.FusedMultiplyAdd(a1, b0, c10);
            Vector512<float> a2 = Vector512.Create(a[aRow2]);
            c20 = Vector512.FusedMultiplyAdd(a2, b0, c20);
            Vector512<float> a3 = Vector512.Create(a[aRow3]);
            c30 = Vector512.FusedMultiplyAdd(a3, b0, c30);
            a += aDepth;
            b += bRow;
        }

        c00.Store(c);
        c10.Store(c + cRow);
        c20.Store(c + (2 * cRow));
        c30.Store(c + (3 * cRow));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Halves16(float* a, nint aRow, nint aDepth, float* b, nint bRow, float* c, nint cRow, int depth, bool accumulate)
    {
        Vector256<float> l0 = Vector256<float>.Zero, r0 = Vector256<float>.Zero;
        Vector256<float> l1 = Vector256<float>.Zero, r1 = Vector256<float>.Zero;
        Vector256<float> l2 = Vector256<float>.Zero, r2 = Vector256<float>.Zero;
        Vector256<float> l3 = Vector256<float>.Zero, r3 = Vector256<float>.Zero;
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
        }

        nint aRow2 = 2 * aRow;
        nint aRow3 = 3 * aRow;
        for (int k = 0; k < depth; k++)
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
            a += aDepth;
            b += bRow;
        }

        l0.Store(c);
        r0.Store(c + 8);
        l1.Store(c + cRow);
        r1.Store(c + cRow + 8);
        l2.Store(c + (2 * cRow));
        r2.Store(c + (2 * cRow) + 8);
        l3.Store(c + (3 * cRow));
        r3.Store(c + (3 * cRow) + 8);
    }
}
