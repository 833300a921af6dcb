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

    public AttentionGeometry Geometry;
    public AttentionTiles Tiles;
    public Rotation Rotation;
    public void* Qkv;
    public void* Heads;
    public float* LogSums;
    public void* HeadsGradient;
    public byte* Scratch;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        int sequence = (int)(chunk / Geometry.KeyValueHeads);
        int keyValueHead = (int)(chunk % Geometry.KeyValueHeads);
        nint firstRow = (nint)sequence * Geometry.Length;
        AmxAttentionBuffers buffers = AmxAttention.BuffersOf(Tiles, Scratch, worker);
        HeadSource<BFloat16Element> source = new(Geometry, Tiles, Rotation, Qkv, firstRow);
        for (int first = 0; first < Tiles.Length; first += HalfTile)
        {
            source.LoadKeyRows(keyValueHead, first, buffers.Rows);
            AmxPacking.Round(buffers.Rows, HalfTile * Tiles.Width, buffers.Keys + (first * Tiles.Width));
            AmxPacking.RoundTurned(buffers.Rows, Tiles.Width, buffers.KeysTurned + first, buffers.Stride);
            source.LoadValueRows(keyValueHead, first, buffers.Rows);
            AmxPacking.Round(buffers.Rows, HalfTile * Tiles.Width, buffers.Values + (first * Tiles.Width));
        }

        new Span<float>(buffers.KeyGradients, (int)Tiles.Rows).Clear();
        new Span<float>(buffers.ValueGradients, (int)Tiles.Rows).Clear();
        for (int head = keyValueHead * Geometry.Group; head < (keyValueHead + 1) * Geometry.Group; head++)
        {
            for (int first = 0; first < Geometry.Length; first += Queries)
            {
                Tile(source, buffers, head, first, firstRow);
            }
        }

        for (int t = 0; t < Geometry.Length; t++)
        {
            float* keyGradient = buffers.KeyGradients + (t * Tiles.Width);
            Rotation.Backward(keyGradient, t, 1);
            HeadRows.Store<BFloat16Element>(keyGradient, Qkv, source.KeyAt(keyValueHead, t), Geometry.HeadWidth, 1);
            HeadRows.Store<BFloat16Element>(buffers.ValueGradients + (t * Tiles.Width), Qkv, source.ValueAt(keyValueHead, t), Geometry.HeadWidth, 1);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Tile(HeadSource<BFloat16Element> source, AmxAttentionBuffers buffers, int head, int first, nint firstRow)
    {
        int keys = first + Queries;
        int rows = Math.Min(Queries, Geometry.Length - first);
        float* logSums = stackalloc float[2 * Queries];
        float* rowSums = logSums + Queries;
        LoadGradients(buffers, head, firstRow + first, rows, logSums, rowSums);
        AmxAttention.PairAlongWidth(buffers.GradientRows, Tiles.Width, buffers.Halves, buffers.GradientPairsTurned);
        AmxPacking.PairRows(buffers.GradientRows, Queries, Tiles.Width, buffers.GradientPairs);
        source.LoadQueries(head, first, buffers.Rows);
        AmxAttention.PairAlongWidth(buffers.Rows, Tiles.Width, buffers.Halves, buffers.QueryPairsTurned);
        AmxPacking.PairRows(buffers.Rows, Queries, Tiles.Width, buffers.QueryPairs);

        AmxAttention.Score(buffers.Keys, buffers.QueryPairsTurned, buffers.Scores, keys, Tiles.Width);
        AmxAttention.Score(buffers.Values, buffers.GradientPairsTurned, buffers.ScoreGradients, keys, Tiles.Width);
        Differentiate(buffers, first, 0, logSums, rowSums);
        Differentiate(buffers, first, HalfTile, logSums, rowSums);
        AddOuter(buffers.Weights, buffers.GradientPairs, buffers.ValueGradients, keys);
        AddOuter(buffers.WeightGradients, buffers.QueryPairs, buffers.KeyGradients, keys);
        AmxProduct.Multiply(new AmxOperands
        {
            A = buffers.KeysTurned, ARow = buffers.Stride * sizeof(ushort), ABlock = AmxProduct.Block * buffers.Stride * sizeof(ushort),
            B = buffers.Pairs, BRow = Queries * sizeof(uint),
            C = buffers.Turned, CRow = Queries * sizeof(float),
            RowBlocks = Tiles.Width / AmxProduct.Block, ColumnBlocks = 1, DepthBlocks = keys / AmxProduct.Block,
        });

        AmxPacking.Turn(buffers.Turned, Tiles.Width, Queries, buffers.Rows);
        for (int row = 0; row < rows; row++)
        {
            float* queryGradient = buffers.Rows + (row * Tiles.Width);
            Rotation.Backward(queryGradient, first + row, Geometry.Scale);
            HeadRows.Store<BFloat16Element>(queryGradient, Qkv, source.QueryAt(head, first + row), Geometry.HeadWidth, 1);
        }
    }

    /// <summary>Gradients of 32 outputs, the logarithms of their sums, and Σ dO·O. All are 0 beyond the sequence.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void LoadGradients(AmxAttentionBuffers buffers, int head, nint firstRow, int rows, float* logSums, float* rowSums)
    {
        new Span<float>(buffers.GradientRows + (rows * Tiles.Width), (Queries - rows) * Tiles.Width).Clear();
        new Span<float>(logSums, Queries).Clear();
        new Span<float>(rowSums, Queries).Clear();
        for (int row = 0; row < rows; row++)
        {
            nint at = ((firstRow + row) * Geometry.OutputWidth) + ((nint)head * Geometry.HeadWidth);
            float* gradient = buffers.GradientRows + (row * Tiles.Width);
            HeadRows.Load<BFloat16Element>(HeadsGradient, at, gradient, Geometry.HeadWidth, Tiles.Width);

            // The output is needed for this sum only; the queries are loaded afterwards.
            HeadRows.Load<BFloat16Element>(Heads, at, buffers.Rows, Geometry.HeadWidth, Tiles.Width);
            rowSums[row] = HeadRows.Dot(buffers.Rows, gradient, Tiles.Width);
            logSums[row] = LogSums[((firstRow + row) * Geometry.Heads) + head];
        }
    }

    /// <summary>gradients[key, d] += Σ over the 32 queries of weights[key, query]·pairs[query, d].</summary>
    private readonly void AddOuter(ushort* weights, uint* pairs, float* gradients, int keys) => AmxProduct.Multiply(new AmxOperands
    {
        A = weights, ARow = Queries * sizeof(ushort), ABlock = AmxProduct.Block * Queries * sizeof(ushort),
        B = pairs, BRow = Tiles.Width * sizeof(uint), BBlock = AmxProduct.Block * sizeof(uint),
        C = gradients, CRow = Tiles.Width * sizeof(float),
        RowBlocks = keys / AmxProduct.Block, ColumnBlocks = Tiles.Width / AmxProduct.Block, DepthBlocks = Queries / AmxProduct.Block, Accumulate = 1,
    });

    /// <summary>For 16 queries P = exp(S − log of sum) and dS = P·(dP − row sum), rounded, dS in pairs of keys as well; 0 where a query does not see the key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Differentiate(AmxAttentionBuffers buffers, int first, int lane, float* logSums, float* rowSums)
    {
        Vector512<int> lanes = Vector512<int>.Indices + Vector512.Create(lane);
        Vector512<float> shift = Vector512.Load(logSums + lane);
        Vector512<float> mean = Vector512.Load(rowSums + lane);
        Vector512<float> all = Vector512<int>.AllBitsSet.AsSingle();
        for (int key = 0; key < first + Queries; key += 2)
        {
            int at = (key * Queries) + lane;
            bool isDiagonal = key >= first;
            Vector512<float> evenSeen = isDiagonal ? AmxAttention.Sees(lanes, key - first) : all;
            Vector512<float> oddSeen = isDiagonal ? AmxAttention.Sees(lanes, key + 1 - first) : all;
            Vector512<float> even = VectorMath.Exp(Vector512.Load(buffers.Scores + at) - shift) & evenSeen;
            Vector512<float> odd = VectorMath.Exp(Vector512.Load(buffers.Scores + at + Queries) - shift) & oddSeen;
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
