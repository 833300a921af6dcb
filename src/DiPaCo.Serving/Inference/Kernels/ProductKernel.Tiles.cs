using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Serving.Inference;

/// <content>Two, four or six rows of x with four of the matrix, written out so that all sums stay in registers.</content>
internal unsafe partial struct ProductKernel<TWeights>
{
    /// <summary>Two rows of x (or one, computed twice), four of the matrix.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Two(in ProductJob job, int n, int end, int* rows, bool single = false)
    {
        int second = single ? rows[0] : rows[1];
        float* x0 = X + ((nint)rows[0] * XStride);
        float* x1 = X + ((nint)second * XStride);
        int depth = job.Weights.Padded;
        nint stride = job.Weights.RowBytes;
        byte* last = job.Weights.Data + ((end - 1) * stride);
        byte* w0 = job.Weights.Data + (n * stride);
        byte* w1 = Least(w0 + stride, last), w2 = Least(w0 + (2 * stride), last), w3 = Least(w0 + (3 * stride), last);
        Vector512<float> c00 = Vector512<float>.Zero, c01 = Vector512<float>.Zero, c02 = Vector512<float>.Zero, c03 = Vector512<float>.Zero;
        Vector512<float> c10 = Vector512<float>.Zero, c11 = Vector512<float>.Zero, c12 = Vector512<float>.Zero, c13 = Vector512<float>.Zero;
        for (nint k = 0; k < depth; k += PackedMatrix.Group)
        {
            Ahead(w0 + (4 * stride), k);
            Vector512<float> l0 = TWeights.Low(w0, k);
            Vector512<float> l1 = TWeights.Low(w1, k);
            Vector512<float> l2 = TWeights.Low(w2, k);
            Vector512<float> l3 = TWeights.Low(w3, k);
            Vector512<float> a = Vector512.Load(x0 + k);
            c00 = Vector512.FusedMultiplyAdd(l0, a, c00);
            c01 = Vector512.FusedMultiplyAdd(l1, a, c01);
            c02 = Vector512.FusedMultiplyAdd(l2, a, c02);
            c03 = Vector512.FusedMultiplyAdd(l3, a, c03);
            a = Vector512.Load(x1 + k);
            c10 = Vector512.FusedMultiplyAdd(l0, a, c10);
            c11 = Vector512.FusedMultiplyAdd(l1, a, c11);
            c12 = Vector512.FusedMultiplyAdd(l2, a, c12);
            c13 = Vector512.FusedMultiplyAdd(l3, a, c13);
            l0 = TWeights.High(w0, k);
            l1 = TWeights.High(w1, k);
            l2 = TWeights.High(w2, k);
            l3 = TWeights.High(w3, k);
            a = Vector512.Load(x0 + k + 16);
            c00 = Vector512.FusedMultiplyAdd(l0, a, c00);
            c01 = Vector512.FusedMultiplyAdd(l1, a, c01);
            c02 = Vector512.FusedMultiplyAdd(l2, a, c02);
            c03 = Vector512.FusedMultiplyAdd(l3, a, c03);
            a = Vector512.Load(x1 + k + 16);
            c10 = Vector512.FusedMultiplyAdd(l0, a, c10);
            c11 = Vector512.FusedMultiplyAdd(l1, a, c11);
            c12 = Vector512.FusedMultiplyAdd(l2, a, c12);
            c13 = Vector512.FusedMultiplyAdd(l3, a, c13);
        }

        Store(job, Y + ((nint)rows[0] * YStride), n, end, c00, c01, c02, c03);
        if (!single)
        {
            Store(job, Y + ((nint)second * YStride), n, end, c10, c11, c12, c13);
        }
    }

    /// <summary>Four rows of x, four of the matrix.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Four(in ProductJob job, int n, int end, int* rows)
    {
        float* x0 = X + ((nint)rows[0] * XStride);
        float* x1 = X + ((nint)rows[1] * XStride);
        float* x2 = X + ((nint)rows[2] * XStride);
        float* x3 = X + ((nint)rows[3] * XStride);
        int depth = job.Weights.Padded;
        nint stride = job.Weights.RowBytes;
        byte* last = job.Weights.Data + ((end - 1) * stride);
        byte* w0 = job.Weights.Data + (n * stride);
        byte* w1 = Least(w0 + stride, last), w2 = Least(w0 + (2 * stride), last), w3 = Least(w0 + (3 * stride), last);
        Vector512<float> c00 = Vector512<float>.Zero, c01 = Vector512<float>.Zero, c02 = Vector512<float>.Zero, c03 = Vector512<float>.Zero;
        Vector512<float> c10 = Vector512<float>.Zero, c11 = Vector512<float>.Zero, c12 = Vector512<float>.Zero, c13 = Vector512<float>.Zero;
        Vector512<float> c20 = Vector512<float>.Zero, c21 = Vector512<float>.Zero, c22 = Vector512<float>.Zero, c23 = Vector512<float>.Zero;
        Vector512<float> c30 = Vector512<float>.Zero, c31 = Vector512<float>.Zero, c32 = Vector512<float>.Zero, c33 = Vector512<float>.Zero;
        for (nint k = 0; k < depth; k += PackedMatrix.Group)
        {
            Ahead(w0 + (4 * stride), k);
            Vector512<float> l0 = TWeights.Low(w0, k);
            Vector512<float> l1 = TWeights.Low(w1, k);
            Vector512<float> l2 = TWeights.Low(w2, k);
            Vector512<float> l3 = TWeights.Low(w3, k);
            Vector512<float> a = Vector512.Load(x0 + k);
            c00 = Vector512.FusedMultiplyAdd(l0, a, c00);
            c01 = Vector512.FusedMultiplyAdd(l1, a, c01);
            c02 = Vector512.FusedMultiplyAdd(l2, a, c02);
            c03 = Vector512.FusedMultiplyAdd(l3, a, c03);
            a = Vector512.Load(x1 + k);
            c10 = Vector512.FusedMultiplyAdd(l0, a, c10);
            c11 = Vector512.FusedMultiplyAdd(l1, a, c11);
            c12 = Vector512.FusedMultiplyAdd(l2, a, c12);
            c13 = Vector512.FusedMultiplyAdd(l3, a, c13);
            a = Vector512.Load(x2 + k);
            c20 = Vector512.FusedMultiplyAdd(l0, a, c20);
            c21 = Vector512.FusedMultiplyAdd(l1, a, c21);
            c22 = Vector512.FusedMultiplyAdd(l2, a, c22);
            c23 = Vector512.FusedMultiplyAdd(l3, a, c23);
            a = Vector512.Load(x3 + k);
            c30 = Vector512.FusedMultiplyAdd(l0, a, c30);
            c31 = Vector512.FusedMultiplyAdd(l1, a, c31);
            c32 = Vector512.FusedMultiplyAdd(l2, a, c32);
            c33 = Vector512.FusedMultiplyAdd(l3, a, c33);
            l0 = TWeights.High(w0, k);
            l1 = TWeights.High(w1, k);
            l2 = TWeights.High(w2, k);
            l3 = TWeights.High(w3, k);
            a = Vector512.Load(x0 + k + 16);
            c00 = Vector512.FusedMultiplyAdd(l0, a, c00);
            c01 = Vector512.FusedMultiplyAdd(l1, a, c01);
            c02 = Vector512.FusedMultiplyAdd(l2, a, c02);
            c03 = Vector512.FusedMultiplyAdd(l3, a, c03);
            a = Vector512.Load(x1 + k + 16);
            c10 = Vector512.FusedMultiplyAdd(l0, a, c10);
            c11 = Vector512.FusedMultiplyAdd(l1, a, c11);
            c12 = Vector512.FusedMultiplyAdd(l2, a, c12);
            c13 = Vector512.FusedMultiplyAdd(l3, a, c13);
            a = Vector512.Load(x2 + k + 16);
            c20 = Vector512.FusedMultiplyAdd(l0, a, c20);
            c21 = Vector512.FusedMultiplyAdd(l1, a, c21);
            c22 = Vector512.FusedMultiplyAdd(l2, a, c22);
            c23 = Vector512.FusedMultiplyAdd(l3, a, c23);
            a = Vector512.Load(x3 + k + 16);
            c30 = Vector512.FusedMultiplyAdd(l0, a, c30);
            c31 = Vector512.FusedMultiplyAdd(l1, a, c31);
            c32 = Vector512.FusedMultiplyAdd(l2, a, c32);
            c33 = Vector512.FusedMultiplyAdd(l3, a, c33);
        }

        Store(job, Y + ((nint)rows[0] * YStride), n, end, c00, c01, c02, c03);
        Store(job, Y + ((nint)rows[1] * YStride), n, end, c10, c11, c12, c13);
        Store(job, Y + ((nint)rows[2] * YStride), n, end, c20, c21, c22, c23);
        Store(job, Y + ((nint)rows[3] * YStride), n, end, c30, c31, c32, c33);
    }

    /// <summary>Six rows of x, four of the matrix: 24 sums in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Six(in ProductJob job, int n, int end, int* rows)
    {
        float* x0 = X + ((nint)rows[0] * XStride);
        float* x1 = X + ((nint)rows[1] * XStride);
        float* x2 = X + ((nint)rows[2] * XStride);
        float* x3 = X + ((nint)rows[3] * XStride);
        float* x4 = X + ((nint)rows[4] * XStride);
        float* x5 = X + ((nint)rows[5] * XStride);
        int depth = job.Weights.Padded;
        nint stride = job.Weights.RowBytes;
        byte* last = job.Weights.Data + ((end - 1) * stride);
        byte* w0 = job.Weights.Data + (n * stride);
        byte* w1 = Least(w0 + stride, last), w2 = Least(w0 + (2 * stride), last), w3 = Least(w0 + (3 * stride), last);
        Vector512<float> c00 = Vector512<float>.Zero, c01 = Vector512<float>.Zero, c02 = Vector512<float>.Zero, c03 = Vector512<float>.Zero;
        Vector512<float> c10 = Vector512<float>.Zero, c11 = Vector512<float>.Zero, c12 = Vector512<float>.Zero, c13 = Vector512<float>.Zero;
        Vector512<float> c20 = Vector512<float>.Zero, c21 = Vector512<float>.Zero, c22 = Vector512<float>.Zero, c23 = Vector512<float>.Zero;
        Vector512<float> c30 = Vector512<float>.Zero, c31 = Vector512<float>.Zero, c32 = Vector512<float>.Zero, c33 = Vector512<float>.Zero;
        Vector512<float> c40 = Vector512<float>.Zero, c41 = Vector512<float>.Zero, c42 = Vector512<float>.Zero, c43 = Vector512<float>.Zero;
        Vector512<float> c50 = Vector512<float>.Zero, c51 = Vector512<float>.Zero, c52 = Vector512<float>.Zero, c53 = Vector512<float>.Zero;
        for (nint k = 0; k < depth; k += PackedMatrix.Group)
        {
            Ahead(w0 + (4 * stride), k);
            Vector512<float> l0 = TWeights.Low(w0, k);
            Vector512<float> l1 = TWeights.Low(w1, k);
            Vector512<float> l2 = TWeights.Low(w2, k);
            Vector512<float> l3 = TWeights.Low(w3, k);
            Vector512<float> a = Vector512.Load(x0 + k);
            c00 = Vector512.FusedMultiplyAdd(l0, a, c00);
            c01 = Vector512.FusedMultiplyAdd(l1, a, c01);
            c02 = Vector512.FusedMultiplyAdd(l2, a, c02);
            c03 = Vector512.FusedMultiplyAdd(l3, a, c03);
            a = Vector512.Load(x1 + k);
            c10 = Vector512.FusedMultiplyAdd(l0, a, c10);
            c11 = Vector512.FusedMultiplyAdd(l1, a, c11);
            c12 = Vector512.FusedMultiplyAdd(l2, a, c12);
            c13 = Vector512.FusedMultiplyAdd(l3, a, c13);
            a = Vector512.Load(x2 + k);
            c20 = Vector512.FusedMultiplyAdd(l0, a, c20);
            c21 = Vector512.FusedMultiplyAdd(l1, a, c21);
            c22 = Vector512.FusedMultiplyAdd(l2, a, c22);
            c23 = Vector512.FusedMultiplyAdd(l3, a, c23);
            a = Vector512.Load(x3 + k);
            c30 = Vector512.FusedMultiplyAdd(l0, a, c30);
            c31 = Vector512.FusedMultiplyAdd(l1, a, c31);
            c32 = Vector512.FusedMultiplyAdd(l2, a, c32);
            c33 = Vector512.FusedMultiplyAdd(l3, a, c33);
            a = Vector512.Load(x4 + k);
            c40 = Vector512.FusedMultiplyAdd(l0, a, c40);
            c41 = Vector512.FusedMultiplyAdd(l1, a, c41);
            c42 = Vector512.FusedMultiplyAdd(l2, a, c42);
            c43 = Vector512.FusedMultiplyAdd(l3, a, c43);
            a = Vector512.Load(x5 + k);
            c50 = Vector512.FusedMultiplyAdd(l0, a, c50);
            c51 = Vector512.FusedMultiplyAdd(l1, a, c51);
            c52 = Vector512.FusedMultiplyAdd(l2, a, c52);
            c53 = Vector512.FusedMultiplyAdd(l3, a, c53);
            l0 = TWeights.High(w0, k);
            l1 = TWeights.High(w1, k);
            l2 = TWeights.High(w2, k);
            l3 = TWeights.High(w3, k);
            a = Vector512.Load(x0 + k + 16);
            c00 = Vector512.FusedMultiplyAdd(l0, a, c00);
            c01 = Vector512.FusedMultiplyAdd(l1, a, c01);
            c02 = Vector512.FusedMultiplyAdd(l2, a, c02);
            c03 = Vector512.FusedMultiplyAdd(l3, a, c03);
            a = Vector512.Load(x1 + k + 16);
            c10 = Vector512.FusedMultiplyAdd(l0, a, c10);
            c11 = Vector512.FusedMultiplyAdd(l1, a, c11);
            c12 = Vector512.FusedMultiplyAdd(l2, a, c12);
            c13 = Vector512.FusedMultiplyAdd(l3, a, c13);
            a = Vector512.Load(x2 + k + 16);
            c20 = Vector512.FusedMultiplyAdd(l0, a, c20);
            c21 = Vector512.FusedMultiplyAdd(l1, a, c21);
            c22 = Vector512.FusedMultiplyAdd(l2, a, c22);
            c23 = Vector512.FusedMultiplyAdd(l3, a, c23);
            a = Vector512.Load(x3 + k + 16);
            c30 = Vector512.FusedMultiplyAdd(l0, a, c30);
            c31 = Vector512.FusedMultiplyAdd(l1, a, c31);
            c32 = Vector512.FusedMultiplyAdd(l2, a, c32);
            c33 = Vector512.FusedMultiplyAdd(l3, a, c33);
            a = Vector512.Load(x4 + k + 16);
            c40 = Vector512.FusedMultiplyAdd(l0, a, c40);
            c41 = Vector512.FusedMultiplyAdd(l1, a, c41);
            c42 = Vector512.FusedMultiplyAdd(l2, a, c42);
            c43 = Vector512.FusedMultiplyAdd(l3, a, c43);
            a = Vector512.Load(x5 + k + 16);
            c50 = Vector512.FusedMultiplyAdd(l0, a, c50);
            c51 = Vector512.FusedMultiplyAdd(l1, a, c51);
            c52 = Vector512.FusedMultiplyAdd(l2, a, c52);
            c53 = Vector512.FusedMultiplyAdd(l3, a, c53);
        }

        Store(job, Y + ((nint)rows[0] * YStride), n, end, c00, c01, c02, c03);
        Store(job, Y + ((nint)rows[1] * YStride), n, end, c10, c11, c12, c13);
        Store(job, Y + ((nint)rows[2] * YStride), n, end, c20, c21, c22, c23);
        Store(job, Y + ((nint)rows[3] * YStride), n, end, c30, c31, c32, c33);
        Store(job, Y + ((nint)rows[4] * YStride), n, end, c40, c41, c42, c43);
        Store(job, Y + ((nint)rows[5] * YStride), n, end, c50, c51, c52, c53);
    }
}
