using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
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

            for (int i = 0; i < tile.Count; i++)
            {
                float* own = scores + ((nint)i * ScoreStride);
                int valid = tile.Position + i + 1;
                float inverse = Softmax(own, valid);
                float* output = Output + ((nint)(tile.Row + i) * OutputStride) + (head * HeadWidth);
                Weigh(tile.Pages, own, offset + (CacheGeometry.Positions * PaddedHead), valid, inverse, output);
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

    /// <summary>Replaces the first <paramref name="valid"/> scores by exponentials relative to the largest; returns one over their sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Softmax(float* scores, int valid)
    {
        int padded = CacheGeometry.PagesOf(valid) * CacheGeometry.Positions;
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
