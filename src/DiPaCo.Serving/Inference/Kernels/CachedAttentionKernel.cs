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
                ScoresOfFour(tile, queries, offset, scores);
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
                WeighFour(tile, scores, values, output);
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

    /// <summary>The same for four queries, which then read each key once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void ScoresOfFour(AttentionTile tile, float* queries, long offset, float* scores)
    {
        float* q0 = queries, q1 = queries + QkvWidth, q2 = q1 + QkvWidth, q3 = q2 + QkvWidth;
        float* out1 = scores + ScoreStride, out2 = out1 + ScoreStride, out3 = out2 + ScoreStride;
        int count = CacheGeometry.PagesOf(tile.Position + tile.Count);
        int page = 0;
        for (; page + 2 <= count; page += 2)
        {
            float* k0 = tile.Pages[page] + offset, k1 = tile.Pages[page + 1] + offset;
            Vector512<float> s00 = Vector512<float>.Zero, s01 = Vector512<float>.Zero, s10 = Vector512<float>.Zero, s11 = Vector512<float>.Zero;
            Vector512<float> s20 = Vector512<float>.Zero, s21 = Vector512<float>.Zero, s30 = Vector512<float>.Zero, s31 = Vector512<float>.Zero;
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
            }

            s00.Store(scores + (page * 16));
            s01.Store(scores + (page * 16) + 16);
            s10.Store(out1 + (page * 16));
            s11.Store(out1 + (page * 16) + 16);
            s20.Store(out2 + (page * 16));
            s21.Store(out2 + (page * 16) + 16);
            s30.Store(out3 + (page * 16));
            s31.Store(out3 + (page * 16) + 16);
        }

        for (; page < count; page++)
        {
            float* k = tile.Pages[page] + offset;
            Vector512<float> s0 = Vector512<float>.Zero, s1 = Vector512<float>.Zero, s2 = Vector512<float>.Zero, s3 = Vector512<float>.Zero;
            for (int d = 0; d < HeadWidth; d++)
            {
                Vector512<float> a = Vector512.Load(k + (d * 16));
                s0 = Vector512.FusedMultiplyAdd(Vector512.Create(q0[d]), a, s0);
                s1 = Vector512.FusedMultiplyAdd(Vector512.Create(q1[d]), a, s1);
                s2 = Vector512.FusedMultiplyAdd(Vector512.Create(q2[d]), a, s2);
                s3 = Vector512.FusedMultiplyAdd(Vector512.Create(q3[d]), a, s3);
            }

            s0.Store(scores + (page * 16));
            s1.Store(out1 + (page * 16));
            s2.Store(out2 + (page * 16));
            s3.Store(out3 + (page * 16));
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
        for (int d = 0; d < PaddedHead; d += 32)
        {
            bool two = d + 16 < PaddedHead;
            int upper = two ? d + 16 : d;

            // Even and odd positions have sums of their own, which hides the latency of additions.
            Vector512<float> a0 = Vector512<float>.Zero, a1 = Vector512<float>.Zero, b0 = Vector512<float>.Zero, b1 = Vector512<float>.Zero;
            for (int page = 0; page * CacheGeometry.Positions < valid; page++)
            {
                float* values = pages[page] + offset;
                float* own = weights + (page * CacheGeometry.Positions);
                int count = Math.Min(CacheGeometry.Positions, valid - (page * CacheGeometry.Positions));
                int t = 0;
                for (; t + 2 <= count; t += 2)
                {
                    float* value = values + (t * PaddedHead);
                    Vector512<float> even = Vector512.Create(own[t]);
                    Vector512<float> odd = Vector512.Create(own[t + 1]);
                    a0 = Vector512.FusedMultiplyAdd(even, Vector512.Load(value + d), a0);
                    b0 = Vector512.FusedMultiplyAdd(even, Vector512.Load(value + upper), b0);
                    a1 = Vector512.FusedMultiplyAdd(odd, Vector512.Load(value + PaddedHead + d), a1);
                    b1 = Vector512.FusedMultiplyAdd(odd, Vector512.Load(value + PaddedHead + upper), b1);
                }

                if (t < count)
                {
                    float* value = values + (t * PaddedHead);
                    Vector512<float> even = Vector512.Create(own[t]);
                    a0 = Vector512.FusedMultiplyAdd(even, Vector512.Load(value + d), a0);
                    b0 = Vector512.FusedMultiplyAdd(even, Vector512.Load(value + upper), b0);
                }
            }

            StoreHead((a0 + a1) * factor, output, d);
            if (two)
            {
                StoreHead((b0 + b1) * factor, output, upper);
            }
        }
    }

    /// <summary>
    /// The same for four queries, which then read each value once. The positions that the earlier ones do not see have weights of 0; all of them
    /// are in the cache, so that they add nothing.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void WeighFour(AttentionTile tile, float* weights, long offset, float* output)
    {
        int valid = tile.Position + AttentionTile.MostRows;
        int pages = CacheGeometry.PagesOf(valid);
        float* w0 = weights, w1 = w0 + ScoreStride, w2 = w1 + ScoreStride, w3 = w2 + ScoreStride;
        Vector512<float> f0 = Vector512.Create(Softmax(w0, valid - 3, pages)), f1 = Vector512.Create(Softmax(w1, valid - 2, pages));
        Vector512<float> f2 = Vector512.Create(Softmax(w2, valid - 1, pages)), f3 = Vector512.Create(Softmax(w3, valid, pages));
        for (int d = 0; d < PaddedHead; d += 32)
        {
            bool two = d + 16 < PaddedHead;
            int upper = two ? d + 16 : d;
            Vector512<float> a00 = Vector512<float>.Zero, a01 = Vector512<float>.Zero, b00 = Vector512<float>.Zero, b01 = Vector512<float>.Zero;
            Vector512<float> a10 = Vector512<float>.Zero, a11 = Vector512<float>.Zero, b10 = Vector512<float>.Zero, b11 = Vector512<float>.Zero;
            Vector512<float> a20 = Vector512<float>.Zero, a21 = Vector512<float>.Zero, b20 = Vector512<float>.Zero, b21 = Vector512<float>.Zero;
            Vector512<float> a30 = Vector512<float>.Zero, a31 = Vector512<float>.Zero, b30 = Vector512<float>.Zero, b31 = Vector512<float>.Zero;
            for (int page = 0; page < pages; page++)
            {
                float* values = tile.Pages[page] + offset;
                int first = page * CacheGeometry.Positions;
                int count = Math.Min(CacheGeometry.Positions, valid - first);
                int t = 0;
                for (; t + 2 <= count; t += 2)
                {
                    float* value = values + (t * PaddedHead);
                    Vector512<float> low = Vector512.Load(value + d);
                    Vector512<float> high = Vector512.Load(value + upper);
                    Vector512<float> w = Vector512.Create(w0[first + t]);
                    a00 = Vector512.FusedMultiplyAdd(w, low, a00);
                    b00 = Vector512.FusedMultiplyAdd(w, high, b00);
                    w = Vector512.Create(w1[first + t]);
                    a10 = Vector512.FusedMultiplyAdd(w, low, a10);
                    b10 = Vector512.FusedMultiplyAdd(w, high, b10);
                    w = Vector512.Create(w2[first + t]);
                    a20 = Vector512.FusedMultiplyAdd(w, low, a20);
                    b20 = Vector512.FusedMultiplyAdd(w, high, b20);
                    w = Vector512.Create(w3[first + t]);
                    a30 = Vector512.FusedMultiplyAdd(w, low, a30);
                    b30 = Vector512.FusedMultiplyAdd(w, high, b30);
                    low = Vector512.Load(value + PaddedHead + d);
                    high = Vector512.Load(value + PaddedHead + upper);
                    w = Vector512.Create(w0[first + t + 1]);
                    a01 = Vector512.FusedMultiplyAdd(w, low, a01);
                    b01 = Vector512.FusedMultiplyAdd(w, high, b01);
                    w = Vector512.Create(w1[first + t + 1]);
                    a11 = Vector512.FusedMultiplyAdd(w, low, a11);
                    b11 = Vector512.FusedMultiplyAdd(w, high, b11);
                    w = Vector512.Create(w2[first + t + 1]);
                    a21 = Vector512.FusedMultiplyAdd(w, low, a21);
                    b21 = Vector512.FusedMultiplyAdd(w, high, b21);
                    w = Vector512.Create(w3[first + t + 1]);
                    a31 = Vector512.FusedMultiplyAdd(w, low, a31);
                    b31 = Vector512.FusedMultiplyAdd(w, high, b31);
                }

                if (t < count)
                {
                    float* value = values + (t * PaddedHead);
                    Vector512<float> low = Vector512.Load(value + d);
                    Vector512<float> high = Vector512.Load(value + upper);
                    a00 = Vector512.FusedMultiplyAdd(Vector512.Create(w0[first + t]), low, a00);
                    b00 = Vector512.FusedMultiplyAdd(Vector512.Create(w0[first + t]), high, b00);
                    a10 = Vector512.FusedMultiplyAdd(Vector512.Create(w1[first + t]), low, a10);
                    b10 = Vector512.FusedMultiplyAdd(Vector512.Create(w1[first + t]), high, b10);
                    a20 = Vector512.FusedMultiplyAdd(Vector512.Create(w2[first + t]), low, a20);
                    b20 = Vector512.FusedMultiplyAdd(Vector512.Create(w2[first + t]), high, b20);
                    a30 = Vector512.FusedMultiplyAdd(Vector512.Create(w3[first + t]), low, a30);
                    b30 = Vector512.FusedMultiplyAdd(Vector512.Create(w3[first + t]), high, b30);
                }
            }

            StoreHead((a00 + a01) * f0, output, d);
            StoreHead((a10 + a11) * f1, output + OutputStride, d);
            StoreHead((a20 + a21) * f2, output + (2 * (nint)OutputStride), d);
            StoreHead((a30 + a31) * f3, output + (3 * (nint)OutputStride), d);
            if (two)
            {
                StoreHead((b00 + b01) * f0, output, upper);
                StoreHead((b10 + b11) * f1, output + OutputStride, upper);
                StoreHead((b20 + b21) * f2, output + (2 * (nint)OutputStride), upper);
                StoreHead((b30 + b31) * f3, output + (3 * (nint)OutputStride), upper);
            }
        }
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
