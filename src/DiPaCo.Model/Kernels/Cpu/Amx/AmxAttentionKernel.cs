using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu.Amx;

/// <summary>
/// <see cref="AttentionKernel{TElement}"/> in bf16 on the processor's matrix unit: Sᵀ = K·Qᵀ, softmax along the keys, Oᵀ = Vᵀ·Pᵀ. Products take rotated
/// queries and keys and the weights P rounded to bf16; sums and softmax are fp32.
/// </summary>
internal unsafe struct AmxAttentionKernel : IChunkKernel
{
    private const int Queries = AmxAttentionBuffers.Queries;
    private const int HalfTile = 16;

    public AttentionOperands On;
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
            source.LoadValueRows(keyValueHead, first, buffers.Rows);
            AmxPacking.RoundTurned(buffers.Rows, On.Tiles.Width, buffers.ValuesTurned + first, buffers.Stride);
        }

        for (int head = keyValueHead * On.Geometry.Group; head < (keyValueHead + 1) * On.Geometry.Group; head++)
        {
            for (int first = 0; first < On.Geometry.Length; first += Queries)
            {
                Tile(source, buffers, head, first, firstRow);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Tile(HeadSource<BFloat16Element> source, AmxAttentionBuffers buffers, int head, int first, nint firstRow)
    {
        int keys = first + Queries;
        float* maxima = stackalloc float[2 * Queries];
        float* sums = maxima + Queries;
        source.LoadQueries(head, first, buffers.Rows);
        AmxAttention.PairAlongWidth(buffers.Rows, On.Tiles.Width, buffers.Halves, buffers.QueryPairsTurned);
        AmxAttention.Score(buffers.Keys, buffers.QueryPairsTurned, buffers.Scores, keys, On.Tiles.Width);
        Softmax(buffers, first, 0, maxima, sums);
        Softmax(buffers, first, HalfTile, maxima, sums);
        AmxProduct.Multiply(new AmxOperands
        {
            A = buffers.ValuesTurned, ARow = buffers.Stride * sizeof(ushort), ABlock = AmxProduct.Block * buffers.Stride * sizeof(ushort),
            B = buffers.Pairs, BRow = Queries * sizeof(uint),
            C = buffers.Turned, CRow = Queries * sizeof(float),
            RowBlocks = On.Tiles.Width / AmxProduct.Block, ColumnBlocks = 1, DepthBlocks = keys / AmxProduct.Block,
        });
        Normalize(buffers.Turned, On.Tiles.Width, sums);
        AmxPacking.Turn(buffers.Turned, On.Tiles.Width, Queries, buffers.Rows);
        for (int row = 0; row < Math.Min(Queries, On.Geometry.Length - first); row++)
        {
            nint at = firstRow + first + row;
            On.LogSums[On.LogSumAt(at, head)] = maxima[row] + MathF.Log(sums[row]);
            HeadRows.Store<BFloat16Element>(buffers.Rows + (row * On.Tiles.Width), On.Heads, On.HeadAt(at, head), On.Geometry.HeadWidth, 1);
        }
    }

    /// <summary>Largest score of each of 16 queries, sum of the exponentials relative to it, and these in pairs of keys.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Softmax(AmxAttentionBuffers buffers, int first, int lane, float* maxima, float* sums)
    {
        float* scores = buffers.Scores + lane;
        uint* pairs = buffers.Pairs + lane;
        int keys = first + Queries;
        Vector512<int> lanes = Vector512<int>.Indices + Vector512.Create(lane);
        Vector512<float> lowest = Vector512.Create(float.NegativeInfinity);
        Vector512<float> top0 = lowest;
        Vector512<float> top1 = lowest;
        for (int key = 0; key < keys; key += 2)
        {
            float* row = scores + (key * Queries);
            top0 = Vector512.MaxNative(top0, Vector512.ConditionalSelect(AmxAttention.Sees(lanes, first, key), Vector512.Load(row), lowest));
            top1 = Vector512.MaxNative(top1, Vector512.ConditionalSelect(AmxAttention.Sees(lanes, first, key + 1), Vector512.Load(row + Queries), lowest));
        }

        Vector512<float> top = Vector512.MaxNative(top0, top1);
        Vector512<float> sum0 = Vector512<float>.Zero;
        Vector512<float> sum1 = Vector512<float>.Zero;
        for (int key = 0; key < keys; key += 2)
        {
            float* row = scores + (key * Queries);
            Vector512<float> even = VectorMath.Exp(Vector512.Load(row) - top) & AmxAttention.Sees(lanes, first, key);
            Vector512<float> odd = VectorMath.Exp(Vector512.Load(row + Queries) - top) & AmxAttention.Sees(lanes, first, key + 1);
            sum0 += even;
            sum1 += odd;
            AmxPacking.Pair(even, odd).Store(pairs + (key / 2 * Queries));
        }

        top.Store(maxima + lane);
        (sum0 + sum1).Store(sums + lane);
    }

    /// <summary>Divides the columns by the sums of their weights.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Normalize(float* turned, int width, float* sums)
    {
        Vector512<float> factor0 = Vector512<float>.One / Vector512.Load(sums);
        Vector512<float> factor1 = Vector512<float>.One / Vector512.Load(sums + HalfTile);
        for (int d = 0; d < width; d++)
        {
            float* row = turned + (d * Queries);
            (Vector512.Load(row) * factor0).Store(row);
            (Vector512.Load(row + HalfTile) * factor1).Store(row + HalfTile);
        }
    }
}
