using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu.Amx;

/// <summary>
/// <see cref="AttentionBackwardKernel{TElement}"/> in bf16 on the processor's matrix unit, in place. Sᵀ = K·Qᵀ and dPᵀ = V·dOᵀ give Pᵀ and dSᵀ, which are
/// rounded to bf16 for dV += Pᵀ·dO, dK += dSᵀ·Q and dQᵀ = Kᵀ·dSᵀ.
/// </summary>
internal unsafe struct AmxAttentionBackwardKernel : IChunkKernel
{
    private const int Queries = AmxAttentionBuffers.Queries;
    private const int HalfTile = 16;

    public AttentionOperands On;
    public void* HeadsGradient;
    public byte* Scratch;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        (int keyValueHead, nint firstRow) = On.PlaceOf(chunk);
        AmxAttentionBuffers buffers = AmxAttention.BuffersOf(On.Tiles, Scratch, worker);
        HeadSource<BFloat16Element> source = On.SourceAt<BFloat16Element>(firstRow);
        for (int first = 0; first < On.Tiles.Length; first += HalfTile)
        {
            source.LoadKeyRows(keyValueHead, first, buffers.Rows);
            AmxPacking.Round(buffers.Rows, HalfTile * On.Tiles.Width, buffers.Keys + (first * On.Tiles.Width));
            AmxPacking.RoundTurned(buffers.Rows, On.Tiles.Width, buffers.KeysTurned + first, buffers.Stride);
            source.LoadValueRows(keyValueHead, first, buffers.Rows);
            AmxPacking.Round(buffers.Rows, HalfTile * On.Tiles.Width, buffers.Values + (first * On.Tiles.Width));
        }

        new Span<float>(buffers.KeyGradients, (int)On.Tiles.Rows).Clear();
        new Span<float>(buffers.ValueGradients, (int)On.Tiles.Rows).Clear();
        for (int head = keyValueHead * On.Geometry.Group; head < (keyValueHead + 1) * On.Geometry.Group; head++)
        {
            for (int first = 0; first < On.Geometry.Length; first += Queries)
            {
                Tile(source, buffers, head, first, firstRow);
            }
        }

        for (int t = 0; t < On.Geometry.Length; t++)
        {
            float* keyGradient = buffers.KeyGradients + (t * On.Tiles.Width);
            On.Rotation.Backward(keyGradient, t, 1);
            HeadRows.Store<BFloat16Element>(keyGradient, On.Qkv, source.KeyAt(keyValueHead, t), On.Geometry.HeadWidth, 1);
            HeadRows.Store<BFloat16Element>(buffers.ValueGradients + (t * On.Tiles.Width), On.Qkv, source.ValueAt(keyValueHead, t), On.Geometry.HeadWidth, 1);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Tile(HeadSource<BFloat16Element> source, AmxAttentionBuffers buffers, int head, int first, nint firstRow)
    {
        int keys = first + Queries;
        int rows = Math.Min(Queries, On.Geometry.Length - first);
        float* logSums = stackalloc float[2 * Queries];
        float* rowSums = logSums + Queries;
        LoadGradients(buffers, head, firstRow + first, rows, logSums, rowSums);
        AmxAttention.PairAlongWidth(buffers.GradientRows, On.Tiles.Width, buffers.Halves, buffers.GradientPairsTurned);
        AmxPacking.PairRows(buffers.GradientRows, Queries, On.Tiles.Width, buffers.GradientPairs);
        source.LoadQueries(head, first, buffers.Rows);
        AmxAttention.PairAlongWidth(buffers.Rows, On.Tiles.Width, buffers.Halves, buffers.QueryPairsTurned);
        AmxPacking.PairRows(buffers.Rows, Queries, On.Tiles.Width, buffers.QueryPairs);

        AmxAttention.Score(buffers.Keys, buffers.QueryPairsTurned, buffers.Scores, keys, On.Tiles.Width);
        AmxAttention.Score(buffers.Values, buffers.GradientPairsTurned, buffers.ScoreGradients, keys, On.Tiles.Width);
        Differentiate(buffers, first, 0, logSums, rowSums);
        Differentiate(buffers, first, HalfTile, logSums, rowSums);
        AddOuter(buffers.Weights, buffers.GradientPairs, buffers.ValueGradients, keys);
        AddOuter(buffers.WeightGradients, buffers.QueryPairs, buffers.KeyGradients, keys);
        AmxProduct.Multiply(new AmxOperands
        {
            A = buffers.KeysTurned, ARow = buffers.Stride * sizeof(ushort), ABlock = AmxProduct.Block * buffers.Stride * sizeof(ushort),
            B = buffers.Pairs, BRow = Queries * sizeof(uint),
            C = buffers.Turned, CRow = Queries * sizeof(float),
            RowBlocks = On.Tiles.Width / AmxProduct.Block, ColumnBlocks = 1, DepthBlocks = keys / AmxProduct.Block,
        });

        AmxPacking.Turn(buffers.Turned, On.Tiles.Width, Queries, buffers.Rows);
        for (int row = 0; row < rows; row++)
        {
            float* queryGradient = buffers.Rows + (row * On.Tiles.Width);
            On.Rotation.Backward(queryGradient, first + row, On.Geometry.Scale);
            HeadRows.Store<BFloat16Element>(queryGradient, On.Qkv, source.QueryAt(head, first + row), On.Geometry.HeadWidth, 1);
        }
    }

    /// <summary>Gradients of 32 outputs, the logarithms of their sums, and Σ dO·O. All are 0 beyond the sequence.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void LoadGradients(AmxAttentionBuffers buffers, int head, nint firstRow, int rows, float* logSums, float* rowSums)
    {
        new Span<float>(buffers.GradientRows + (rows * On.Tiles.Width), (Queries - rows) * On.Tiles.Width).Clear();
        new Span<float>(logSums, Queries).Clear();
        new Span<float>(rowSums, Queries).Clear();
        for (int row = 0; row < rows; row++)
        {
            nint at = On.HeadAt(firstRow + row, head);
            float* gradient = buffers.GradientRows + (row * On.Tiles.Width);
            HeadRows.Load<BFloat16Element>(HeadsGradient, at, gradient, On.Geometry.HeadWidth, On.Tiles.Width);

            // The output is needed for this sum only; the queries are loaded afterwards.
            HeadRows.Load<BFloat16Element>(On.Heads, at, buffers.Rows, On.Geometry.HeadWidth, On.Tiles.Width);
            rowSums[row] = HeadRows.Dot(buffers.Rows, gradient, On.Tiles.Width);
            logSums[row] = On.LogSums[On.LogSumAt(firstRow + row, head)];
        }
    }

    /// <summary>gradients[key, d] += Σ over the 32 queries of weights[key, query]·pairs[query, d].</summary>
    private readonly void AddOuter(ushort* weights, uint* pairs, float* gradients, int keys) => AmxProduct.Multiply(new AmxOperands
    {
        A = weights, ARow = Queries * sizeof(ushort), ABlock = AmxProduct.Block * Queries * sizeof(ushort),
        B = pairs, BRow = On.Tiles.Width * sizeof(uint), BBlock = AmxProduct.Block * sizeof(uint),
        C = gradients, CRow = On.Tiles.Width * sizeof(float),
        RowBlocks = keys / AmxProduct.Block, ColumnBlocks = On.Tiles.Width / AmxProduct.Block, DepthBlocks = Queries / AmxProduct.Block, Accumulate = 1,
    });

    /// <summary>For 16 queries P = exp(S − log of sum) and dS = P·(dP − row sum), rounded, dS in pairs of keys as well; 0 where a query does not see the key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Differentiate(AmxAttentionBuffers buffers, int first, int lane, float* logSums, float* rowSums)
    {
        Vector512<int> lanes = Vector512<int>.Indices + Vector512.Create(lane);
        Vector512<float> shift = Vector512.Load(logSums + lane);
        Vector512<float> mean = Vector512.Load(rowSums + lane);
        for (int key = 0; key < first + Queries; key += 2)
        {
            int at = (key * Queries) + lane;
            Vector512<float> even = VectorMath.Exp(Vector512.Load(buffers.Scores + at) - shift) & AmxAttention.Sees(lanes, first, key);
            Vector512<float> odd = VectorMath.Exp(Vector512.Load(buffers.Scores + at + Queries) - shift) & AmxAttention.Sees(lanes, first, key + 1);
            BFloat16Element.Store(buffers.Weights, at, even);
            BFloat16Element.Store(buffers.Weights, at + Queries, odd);
            even *= Vector512.Load(buffers.ScoreGradients + at) - mean;
            odd *= Vector512.Load(buffers.ScoreGradients + at + Queries) - mean;
            Vector512<uint> pair = AmxPacking.Pair(even, odd);
            pair.Store(buffers.Pairs + (key / 2 * Queries) + lane);
            AmxPacking.StoreHalves(pair, buffers.WeightGradients + at, buffers.WeightGradients + at + Queries);
        }
    }
}
