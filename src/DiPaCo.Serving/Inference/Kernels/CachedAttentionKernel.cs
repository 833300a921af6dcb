using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DiPaCo.Model.Kernels.Cpu;

namespace DiPaCo.Serving.Inference;

/// <summary>
/// Attention of new positions over the cached keys and values up to their own. A chunk is a tile under one key head with the query
/// heads that share it. Each query's scores, softmax and sum are computed in an order that its own position fixes, so nothing depends on how
/// positions were cut into tiles or steps.
/// </summary>
internal unsafe struct CachedAttentionKernel : IChunkKernel
{
    public AttentionTile* Tiles;
    public float* Qkv;
    public float* Output;
    public float* Scratch;
    public nint ScratchFloats;
    public long HeadFloats;
    public long BlockOffset;
    public int QkvWidth;
    public int OutputStride;
    public int KeyValueHeads;
    public int Group;
    public int HeadWidth;
    public int PaddedHead;
    public int ScoreStride;

    /// <summary>Floats of scratch a thread, for sequences of up to <paramref name="positions"/>.</summary>
    public static nint ScratchOf(int positions) => (nint)AttentionTile.MostRows * StrideOf(positions);

    /// <summary>Floats of one query's scores.</summary>
    public static int StrideOf(int positions) => CacheGeometry.PagesOf(positions) * CacheGeometry.Positions;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        AttentionTile tile = Tiles[chunk / KeyValueHeads];
        int keyHead = (int)(chunk % KeyValueHeads);
        long offset = BlockOffset + (keyHead * HeadFloats);
        float* scores = Scratch + (worker * ScratchFloats);
        for (int head = keyHead * Group; head < (keyHead + 1) * Group; head++)
        {
            float* queries = Qkv + ((nint)tile.Row * QkvWidth) + (head * HeadWidth);
            if (tile.Count == AttentionTile.MostRows)
            {
                ScoresOfEight(tile, queries, offset, scores);
            }
            else
            {
                for (int i = 0; i < tile.Count; i++)
                {
                    Scores(tile.Pages, queries + ((nint)i * QkvWidth), offset, scores + ((nint)i * ScoreStride), tile.Position + i + 1);
                }
            }

            float* output = Output + ((nint)tile.Row * OutputStride) + (head * HeadWidth);
            long values = offset + (CacheGeometry.Positions * PaddedHead);
            if (tile.Count == AttentionTile.MostRows)
            {
                WeighEight(tile, scores, values, output);
                continue;
            }

            for (int i = 0; i < tile.Count; i++)
            {
                float* own = scores + ((nint)i * ScoreStride);
                int valid = tile.Position + i + 1;
                float inverse = Softmax(own, valid, CacheGeometry.PagesOf(valid));
                Weigh(tile.Pages, own, values, valid, inverse, output + ((nint)i * OutputStride));
            }
        }
    }

    /// <summary>scores[t] = q·k_t for the pages that hold positions below <paramref name="valid"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Scores(float** pages, float* query, long offset, float* scores, int valid)
    {
        int count = CacheGeometry.PagesOf(valid);
        int page = 0;
        for (; page + 4 <= count; page += 4)
        {
            float* k0 = pages[page] + offset, k1 = pages[page + 1] + offset, k2 = pages[page + 2] + offset, k3 = pages[page + 3] + offset;
            Vector512<float> s0 = Vector512<float>.Zero, s1 = Vector512<float>.Zero, s2 = Vector512<float>.Zero, s3 = Vector512<float>.Zero;
            for (int d = 0; d < HeadWidth; d++)
            {
                // The values lie behind the keys and are wanted next.
                Ahead(k0, d);
                Ahead(k1, d);
                Ahead(k2, d);
                Ahead(k3, d);
                Vector512<float> q = Vector512.Create(query[d]);
                s0 = Vector512.FusedMultiplyAdd(q, Vector512.Load(k0 + (d * 16)), s0);
                s1 = Vector512.FusedMultiplyAdd(q, Vector512.Load(k1 + (d * 16)), s1);
                s2 = Vector512.FusedMultiplyAdd(q, Vector512.Load(k2 + (d * 16)), s2);
                s3 = Vector512.FusedMultiplyAdd(q, Vector512.Load(k3 + (d * 16)), s3);
            }

            s0.Store(scores + (page * 16));
            s1.Store(scores + (page * 16) + 16);
            s2.Store(scores + (page * 16) + 32);
            s3.Store(scores + (page * 16) + 48);
        }

        for (; page < count; page++)
        {
            float* k = pages[page] + offset;
            Vector512<float> s = Vector512<float>.Zero;
            for (int d = 0; d < HeadWidth; d++)
            {
                s = Vector512.FusedMultiplyAdd(Vector512.Create(query[d]), Vector512.Load(k + (d * 16)), s);
            }

            s.Store(scores + (page * 16));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Ahead(float* keys, int d)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch1(keys + (CacheGeometry.Positions * (PaddedHead + d)));
        }
    }

    /// <summary>The same for eight queries, which then read each key once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void ScoresOfEight(AttentionTile tile, float* queries, long offset, float* scores)
    {
        float* q0 = queries, q1 = q0 + QkvWidth, q2 = q1 + QkvWidth, q3 = q2 + QkvWidth, q4 = q3 + QkvWidth, q5 = q4 + QkvWidth, q6 = q5 + QkvWidth, q7 = q6 + QkvWidth;
        int count = CacheGeometry.PagesOf(tile.Position + tile.Count);
        for (int page = 0; page < count; page += 2)
        {
            // Of an odd number of pages the last one is read twice.
            bool two = page + 1 < count;
            float* k0 = tile.Pages[page] + offset, k1 = two ? tile.Pages[page + 1] + offset : k0;
            Vector512<float> s00 = Vector512<float>.Zero, s01 = Vector512<float>.Zero, s10 = Vector512<float>.Zero, s11 = Vector512<float>.Zero;
            Vector512<float> s20 = Vector512<float>.Zero, s21 = Vector512<float>.Zero, s30 = Vector512<float>.Zero, s31 = Vector512<float>.Zero;
            Vector512<float> s40 = Vector512<float>.Zero, s41 = Vector512<float>.Zero, s50 = Vector512<float>.Zero, s51 = Vector512<float>.Zero;
            Vector512<float> s60 = Vector512<float>.Zero, s61 = Vector512<float>.Zero, s70 = Vector512<float>.Zero, s71 = Vector512<float>.Zero;
            for (int d = 0; d < HeadWidth; d++)
            {
                Vector512<float> a = Vector512.Load(k0 + (d * 16));
                Vector512<float> b = Vector512.Load(k1 + (d * 16));
                Vector512<float> q = Vector512.Create(q0[d]);
                s00 = Vector512.FusedMultiplyAdd(q, a, s00);
                s01 = Vector512.FusedMultiplyAdd(q, b, s01);
                q = Vector512.Create(q1[d]);
                s10 = Vector512.FusedMultiplyAdd(q, a, s10);
                s11 = Vector512.FusedMultiplyAdd(q, b, s11);
                q = Vector512.Create(q2[d]);
                s20 = Vector512.FusedMultiplyAdd(q, a, s20);
                s21 = Vector512.FusedMultiplyAdd(q, b, s21);
                q = Vector512.Create(q3[d]);
                s30 = Vector512.FusedMultiplyAdd(q, a, s30);
                s31 = Vector512.FusedMultiplyAdd(q, b, s31);
                q = Vector512.Create(q4[d]);
                s40 = Vector512.FusedMultiplyAdd(q, a, s40);
                s41 = Vector512.FusedMultiplyAdd(q, b, s41);
                q = Vector512.Create(q5[d]);
                s50 = Vector512.FusedMultiplyAdd(q, a, s50);
                s51 = Vector512.FusedMultiplyAdd(q, b, s51);
                q = Vector512.Create(q6[d]);
                s60 = Vector512.FusedMultiplyAdd(q, a, s60);
                s61 = Vector512.FusedMultiplyAdd(q, b, s61);
                q = Vector512.Create(q7[d]);
                s70 = Vector512.FusedMultiplyAdd(q, a, s70);
                s71 = Vector512.FusedMultiplyAdd(q, b, s71);
            }

            float* target = scores + (page * CacheGeometry.Positions);
            Store(s00, s01, two, target);
            Store(s10, s11, two, target + ScoreStride);
            Store(s20, s21, two, target + (2 * (nint)ScoreStride));
            Store(s30, s31, two, target + (3 * (nint)ScoreStride));
            Store(s40, s41, two, target + (4 * (nint)ScoreStride));
            Store(s50, s51, two, target + (5 * (nint)ScoreStride));
            Store(s60, s61, two, target + (6 * (nint)ScoreStride));
            Store(s70, s71, two, target + (7 * (nint)ScoreStride));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector512<float> first, Vector512<float> second, bool two, float* target)
    {
        first.Store(target);
        if (two)
        {
            second.Store(target + 16);
        }
    }

    /// <summary>Replaces the first <paramref name="valid"/> scores by exponentials relative to the largest, the others of some pages by 0; returns one over their sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Softmax(float* scores, int valid, int pages)
    {
        int padded = pages * CacheGeometry.Positions;
        Vector512<int> lanes = Vector512<int>.Indices;
        Vector512<float> lowest = Vector512.Create(float.NegativeInfinity);
        Vector512<float> largest = lowest;
        for (int t = 0; t < padded; t += 16)
        {
            Vector512<float> inside = Vector512.LessThan(lanes, Vector512.Create(valid - t)).AsSingle();
            largest = Vector512.MaxNative(largest, Vector512.ConditionalSelect(inside, Vector512.Load(scores + t), lowest));
        }

        Vector512<float> shift = Vector512.Create(VectorMath.Max(largest));
        Vector512<float> sum = Vector512<float>.Zero;
        for (int t = 0; t < padded; t += 16)
        {
            Vector512<float> inside = Vector512.LessThan(lanes, Vector512.Create(valid - t)).AsSingle();
            Vector512<float> weight = Vector512.ConditionalSelect(inside, VectorMath.Exp(Vector512.Load(scores + t) - shift), Vector512<float>.Zero);
            weight.Store(scores + t);
            sum += weight;
        }

        return 1 / VectorMath.Sum(sum);
    }

    /// <summary>output = Σ weight_t·v_t·<paramref name="inverse"/>, t ascending.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Weigh(float** pages, float* weights, long offset, int valid, float inverse, float* output)
    {
        Vector512<float> factor = Vector512.Create(inverse);
        for (int d = 0; d < PaddedHead; d += 64)
        {
            // Columns that the head does not have are those of the last one again.
            int last = PaddedHead - 16;
            int d1 = Math.Min(d + 16, last), d2 = Math.Min(d + 32, last), d3 = Math.Min(d + 48, last);
            Vector512<float> a0 = Vector512<float>.Zero, a1 = Vector512<float>.Zero, a2 = Vector512<float>.Zero, a3 = Vector512<float>.Zero;
            for (int page = 0; page * CacheGeometry.Positions < valid; page++)
            {
                float* value = pages[page] + offset;
                float* own = weights + (page * CacheGeometry.Positions);
                int count = Math.Min(CacheGeometry.Positions, valid - (page * CacheGeometry.Positions));
                for (int t = 0; t < count; t++)
                {
                    Vector512<float> w = Vector512.Create(own[t]);
                    a0 = Vector512.FusedMultiplyAdd(w, Vector512.Load(value + d), a0);
                    a1 = Vector512.FusedMultiplyAdd(w, Vector512.Load(value + d1), a1);
                    a2 = Vector512.FusedMultiplyAdd(w, Vector512.Load(value + d2), a2);
                    a3 = Vector512.FusedMultiplyAdd(w, Vector512.Load(value + d3), a3);
                    value += PaddedHead;
                }
            }

            StoreHead(a0 * factor, output, d);
            StoreHead(a1 * factor, output, d1);
            StoreHead(a2 * factor, output, d2);
            StoreHead(a3 * factor, output, d3);
        }
    }

    /// <summary>
    /// The same for eight queries, which then read each value once. The positions that the earlier ones do not see have weights of 0; all of them
    /// are in the cache, so that they add nothing.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void WeighEight(AttentionTile tile, float* weights, long offset, float* output)
    {
        int valid = tile.Position + AttentionTile.MostRows;
        int pages = CacheGeometry.PagesOf(valid);
        float* inverse = stackalloc float[AttentionTile.MostRows];
        for (int i = 0; i < AttentionTile.MostRows; i++)
        {
            inverse[i] = Softmax(weights + (i * (nint)ScoreStride), tile.Position + i + 1, pages);
        }

        float* w0 = weights, w1 = w0 + ScoreStride, w2 = w1 + ScoreStride, w3 = w2 + ScoreStride, w4 = w3 + ScoreStride, w5 = w4 + ScoreStride, w6 = w5 + ScoreStride, w7 = w6 + ScoreStride;
        for (int d = 0; d < PaddedHead; d += 32)
        {
            int upper = Math.Min(d + 16, PaddedHead - 16);
            Vector512<float> a0 = Vector512<float>.Zero, b0 = Vector512<float>.Zero, a1 = Vector512<float>.Zero, b1 = Vector512<float>.Zero;
            Vector512<float> a2 = Vector512<float>.Zero, b2 = Vector512<float>.Zero, a3 = Vector512<float>.Zero, b3 = Vector512<float>.Zero;
            Vector512<float> a4 = Vector512<float>.Zero, b4 = Vector512<float>.Zero, a5 = Vector512<float>.Zero, b5 = Vector512<float>.Zero;
            Vector512<float> a6 = Vector512<float>.Zero, b6 = Vector512<float>.Zero, a7 = Vector512<float>.Zero, b7 = Vector512<float>.Zero;
            for (int page = 0; page < pages; page++)
            {
                float* value = tile.Pages[page] + offset;
                int first = page * CacheGeometry.Positions;
                int end = Math.Min(first + CacheGeometry.Positions, valid);
                for (int t = first; t < end; t++)
                {
                    Vector512<float> low = Vector512.Load(value + d);
                    Vector512<float> high = Vector512.Load(value + upper);
                    Vector512<float> w = Vector512.Create(w0[t]);
                    a0 = Vector512.FusedMultiplyAdd(w, low, a0);
                    b0 = Vector512.FusedMultiplyAdd(w, high, b0);
                    w = Vector512.Create(w1[t]);
                    a1 = Vector512.FusedMultiplyAdd(w, low, a1);
                    b1 = Vector512.FusedMultiplyAdd(w, high, b1);
                    w = Vector512.Create(w2[t]);
                    a2 = Vector512.FusedMultiplyAdd(w, low, a2);
                    b2 = Vector512.FusedMultiplyAdd(w, high, b2);
                    w = Vector512.Create(w3[t]);
                    a3 = Vector512.FusedMultiplyAdd(w, low, a3);
                    b3 = Vector512.FusedMultiplyAdd(w, high, b3);
                    w = Vector512.Create(w4[t]);
                    a4 = Vector512.FusedMultiplyAdd(w, low, a4);
                    b4 = Vector512.FusedMultiplyAdd(w, high, b4);
                    w = Vector512.Create(w5[t]);
                    a5 = Vector512.FusedMultiplyAdd(w, low, a5);
                    b5 = Vector512.FusedMultiplyAdd(w, high, b5);
                    w = Vector512.Create(w6[t]);
                    a6 = Vector512.FusedMultiplyAdd(w, low, a6);
                    b6 = Vector512.FusedMultiplyAdd(w, high, b6);
                    w = Vector512.Create(w7[t]);
                    a7 = Vector512.FusedMultiplyAdd(w, low, a7);
                    b7 = Vector512.FusedMultiplyAdd(w, high, b7);
                    value += PaddedHead;
                }
            }

            StorePair(a0, b0, inverse[0], output, d, upper);
            StorePair(a1, b1, inverse[1], output + OutputStride, d, upper);
            StorePair(a2, b2, inverse[2], output + (2 * (nint)OutputStride), d, upper);
            StorePair(a3, b3, inverse[3], output + (3 * (nint)OutputStride), d, upper);
            StorePair(a4, b4, inverse[4], output + (4 * (nint)OutputStride), d, upper);
            StorePair(a5, b5, inverse[5], output + (5 * (nint)OutputStride), d, upper);
            StorePair(a6, b6, inverse[6], output + (6 * (nint)OutputStride), d, upper);
            StorePair(a7, b7, inverse[7], output + (7 * (nint)OutputStride), d, upper);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void StorePair(Vector512<float> low, Vector512<float> high, float factor, float* output, int d, int upper)
    {
        StoreHead(low * Vector512.Create(factor), output, d);
        StoreHead(high * Vector512.Create(factor), output, upper);
    }

    /// <summary>Stores 16 elements, or as many as the head still has.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void StoreHead(Vector512<float> values, float* output, int d)
    {
        if (d + 16 <= HeadWidth)
        {
            values.Store(output + d);
            return;
        }

        for (int i = 0; d + i < HeadWidth; i++)
        {
            output[d + i] = values[i];
        }
    }
}
