using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DiPaCo.Model.Kernels.Cpu;

namespace DiPaCo.Serving.Inference;

/// <summary>
/// Products of rows with matrices. Every output is one sum in one register of 16 lanes, in ascending order of the columns and added up in
/// one order at the end, whatever tile computes it: so a row's result does not depend on which other rows there are, on their
/// number, or on threads. A chunk is <see cref="Outputs"/> rows of a matrix with all rows of x that go through it, so that a matrix is read from memory once.
/// </summary>
internal unsafe partial struct ProductKernel<TWeights> : IChunkKernel
    where TWeights : IWeights
{
    /// <summary>Rows of a matrix that make a chunk.</summary>
    public const int Outputs = 32;

    private const int PanelRows = 48;
    private const int FewRows = 24;

    /// <summary>The jobs.</summary>
    public ProductJob* Jobs;

    /// <summary>How many.</summary>
    public int JobCount;

    /// <summary>First row of x.</summary>
    public float* X;

    /// <summary>Elements between rows of x.</summary>
    public int XStride;

    /// <summary>First row of y.</summary>
    public float* Y;

    /// <summary>Elements between rows of y.</summary>
    public int YStride;

    /// <summary>Whether y is added to.</summary>
    public bool Accumulate;

    /// <summary>Numbers the chunks of jobs; returns how many there are.</summary>
    public static long Count(ProductJob* jobs, int count)
    {
        long chunks = 0;
        for (int job = 0; job < count; job++)
        {
            jobs[job].FirstChunk = chunks;
            chunks += (jobs[job].Weights.Rows + Outputs - 1) / Outputs;
        }

        return chunks;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        int at = JobCount - 1;
        while (Jobs[at].FirstChunk > chunk)
        {
            at--;
        }

        ProductJob job = Jobs[at];
        int first = (int)(chunk - job.FirstChunk) * Outputs;
        int end = Math.Min(first + Outputs, job.Weights.Rows);
        for (int panel = 0; panel < job.RowCount; panel += PanelRows)
        {
            int rows = Math.Min(PanelRows, job.RowCount - panel);
            if (rows == 1)
            {
                One(job, first, end, job.Rows[panel]);
                continue;
            }

            if (rows <= FewRows)
            {
                // Four rows of the matrix come from memory once, and all rows of x pass by.
                for (int n = first; n < end; n += 4)
                {
                    for (int m = 0; m < rows;)
                    {
                        m += Tile(job, n, end, job.Rows + panel + m, rows - m);
                    }
                }
            }
            else
            {
                // Six rows of x stay in the first cache while the chunk's rows of the matrix pass by, which stay in the second.
                for (int m = 0; m < rows;)
                {
                    int done = 0;
                    for (int n = first; n < end; n += 4)
                    {
                        done = Tile(job, n, end, job.Rows + panel + m, rows - m);
                    }

                    m += done;
                }
            }
        }
    }

    /// <summary>Some of the rows of x with four of the matrix; returns how many.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly int Tile(in ProductJob job, int n, int end, int* rows, int left)
    {
        if (left >= 6)
        {
            Six(job, n, end, rows);
            return 6;
        }

        if (left >= 4)
        {
            Four(job, n, end, rows);
            return 4;
        }

        Two(job, n, end, rows, single: left == 1);
        return Math.Min(left, 2);
    }

    /// <summary>One row of x, eight of the matrix at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void One(in ProductJob job, int first, int end, int row)
    {
        float* x = X + ((nint)row * XStride);
        float* y = Y + ((nint)row * YStride);
        int depth = job.Weights.Padded;
        nint stride = job.Weights.RowBytes;
        byte* last = job.Weights.Data + ((end - 1) * stride);
        for (int n = first; n < end; n += 8)
        {
            byte* w0 = job.Weights.Data + (n * stride);
            byte* w1 = Least(w0 + stride, last), w2 = Least(w0 + (2 * stride), last), w3 = Least(w0 + (3 * stride), last);
            byte* w4 = Least(w0 + (4 * stride), last), w5 = Least(w0 + (5 * stride), last), w6 = Least(w0 + (6 * stride), last), w7 = Least(w0 + (7 * stride), last);
            Vector512<float> c0 = Vector512<float>.Zero, c1 = Vector512<float>.Zero, c2 = Vector512<float>.Zero, c3 = Vector512<float>.Zero;
            Vector512<float> c4 = Vector512<float>.Zero, c5 = Vector512<float>.Zero, c6 = Vector512<float>.Zero, c7 = Vector512<float>.Zero;
            byte* next = w0 + (8 * stride);
            for (nint k = 0; k < depth; k += PackedMatrix.Group)
            {
                Ahead(next, k);
                Ahead(next + (4 * stride), k);
                Vector512<float> low = Vector512.Load(x + k);
                Vector512<float> high = Vector512.Load(x + k + 16);
                c0 = Step(w0, k, low, high, c0);
                c1 = Step(w1, k, low, high, c1);
                c2 = Step(w2, k, low, high, c2);
                c3 = Step(w3, k, low, high, c3);
                c4 = Step(w4, k, low, high, c4);
                c5 = Step(w5, k, low, high, c5);
                c6 = Step(w6, k, low, high, c6);
                c7 = Step(w7, k, low, high, c7);
            }

            Store(job, y, n, end, c0, c1, c2, c3);
            Store(job, y, n + 4, end, c4, c5, c6, c7);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Step(byte* row, nint k, Vector512<float> low, Vector512<float> high, Vector512<float> sum) =>
        Vector512.FusedMultiplyAdd(TWeights.High(row, k), high, Vector512.FusedMultiplyAdd(TWeights.Low(row, k), low, sum));

    /// <summary>
    /// Asks for what four rows take at a time, from one end of the next rows to the other. The rows themselves are read side by side, an order that the processor
    /// does not foresee; this one it does.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Ahead(byte* rows, nint k)
    {
        if (Sse.IsSupported)
        {
            byte* at = rows + (4 * k * PackedMatrix.ElementBytes(TWeights.Type));
            Sse.Prefetch1(at);
            Sse.Prefetch1(at + 64);
            if (TWeights.Type != WeightType.Q8)
            {
                Sse.Prefetch1(at + 128);
                Sse.Prefetch1(at + 192);
            }

            if (TWeights.Type == WeightType.Fp32)
            {
                Sse.Prefetch1(at + 256);
                Sse.Prefetch1(at + 320);
                Sse.Prefetch1(at + 384);
                Sse.Prefetch1(at + 448);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* Least(byte* a, byte* b) => a < b ? a : b;

    /// <summary>Adds up the lanes of four sums side by side, each in the same order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Sums(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
    {
        if (Avx512F.IsSupported)
        {
            // In every quarter: (a0 + a2, b0 + b2, a1 + a3, b1 + b3), the same of c and d, then (a, b, c, d); at last the quarters.
            Vector512<double> ab = (Avx512F.UnpackLow(a, b) + Avx512F.UnpackHigh(a, b)).AsDouble();
            Vector512<double> cd = (Avx512F.UnpackLow(c, d) + Avx512F.UnpackHigh(c, d)).AsDouble();
            return Quarter(Avx512F.UnpackLow(ab, cd).AsSingle() + Avx512F.UnpackHigh(ab, cd).AsSingle());
        }

        Vector128<float> q0 = Quarter(a), q1 = Quarter(b), q2 = Quarter(c), q3 = Quarter(d);
        return Sse3.IsSupported ? Sse3.HorizontalAdd(Sse3.HorizontalAdd(q0, q1), Sse3.HorizontalAdd(q2, q3)) : Vector128.Create(
            q0[0] + q0[1] + (q0[2] + q0[3]), q1[0] + q1[1] + (q1[2] + q1[3]), q2[0] + q2[1] + (q2[2] + q2[3]), q3[0] + q3[1] + (q3[2] + q3[3]));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Quarter(Vector512<float> x)
    {
        Vector256<float> half = x.GetLower() + x.GetUpper();
        return half.GetLower() + half.GetUpper();
    }

    /// <summary>Writes up to four outputs of one row of x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Store(in ProductJob job, float* y, int n, int end, Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
    {
        Vector128<float> sums = Sums(a, b, c, d);
        if (n + 4 <= end && TWeights.Type != WeightType.Q8)
        {
            (Accumulate ? Vector128.Load(y + n) + sums : sums).Store(y + n);
            return;
        }

        for (int i = 0; i < 4 && n + i < end; i++)
        {
            float value = sums[i] * TWeights.Scale(job.Weights.Scales, n + i);
            y[n + i] = Accumulate ? y[n + i] + value : value;
        }
    }
}
