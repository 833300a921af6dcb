using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>
/// Backward of <see cref="AttentionKernel{TElement}"/>, in place. With P = softmax(S), O = P·V and the row sums D = Σ dO·O:
/// dV = Pᵀ·dO, dS = P∘(dO·Vᵀ − D), dQ = dS·K, dK = dSᵀ·Q. P is computed again from the kept logarithms of its sums.
/// </summary>
internal unsafe struct AttentionBackwardKernel<TElement> : IChunkKernel
    where TElement : IElement
{
    private const int Queries = AttentionTiles.Queries;

    public AttentionOperands On;
    public void* HeadsGradient;
    public float* Scratch;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        (int keyValueHead, nint firstRow) = On.PlaceOf(chunk);

        float* keys = Scratch + (worker * On.Tiles.Scratch);
        float* keysT = keys + On.Tiles.Rows;
        float* valuesT = keysT + On.Tiles.Transposed;
        float* dKeys = valuesT + On.Tiles.Transposed;
        float* dValues = dKeys + On.Tiles.Rows;
        float* queries = dValues + On.Tiles.Rows;

        HeadSource<TElement> source = On.SourceAt<TElement>(firstRow);
        source.LoadKeys(keyValueHead, queries, keys, keysT);
        source.LoadValuesTransposed(keyValueHead, queries, valuesT);
        new Span<float>(dKeys, (int)(2 * On.Tiles.Rows)).Clear();
        for (int head = keyValueHead * On.Geometry.Group; head < (keyValueHead + 1) * On.Geometry.Group; head++)
        {
            for (int first = 0; first < On.Geometry.Length; first += Queries)
            {
                Tile(source, head, first, firstRow, keys);
            }
        }

        for (int t = 0; t < On.Geometry.Length; t++)
        {
            float* dKey = dKeys + (t * On.Tiles.Width);
            On.Rotation.Backward(dKey, t, 1);
            HeadRows.Store<TElement>(dKey, On.Qkv, source.KeyAt(keyValueHead, t), On.Geometry.HeadWidth, 1);
            HeadRows.Store<TElement>(dValues + (t * On.Tiles.Width), On.Qkv, source.ValueAt(keyValueHead, t), On.Geometry.HeadWidth, 1);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Tile(HeadSource<TElement> source, int head, int first, nint firstRow, float* keys)
    {
        float* keysT = keys + On.Tiles.Rows;
        float* valuesT = keysT + On.Tiles.Transposed;
        float* dKeys = valuesT + On.Tiles.Transposed;
        float* dValues = dKeys + On.Tiles.Rows;
        float* queries = dValues + On.Tiles.Rows;
        float* dOutput = queries + On.Tiles.QueryTile;
        float* dQueries = dOutput + On.Tiles.QueryTile;
        float* weights = dQueries + On.Tiles.QueryTile;
        float* dScores = weights + On.Tiles.ScoreTile;

        int count = first + Queries;
        int rows = Math.Min(Queries, On.Geometry.Length - first);
        (int Rows, int Columns, int Depth) scoreSize = (Queries, count, On.Tiles.Width);
        (int Rows, int Columns, int Depth) keySize = (count, On.Tiles.Width, Queries);

        source.LoadQueries(head, first, queries);
        new Span<float>(dOutput + (rows * On.Tiles.Width), (Queries - rows) * On.Tiles.Width).Clear();
        for (int row = 0; row < rows; row++)
        {
            HeadRows.Load<TElement>(HeadsGradient, On.HeadAt(firstRow + first + row, head), dOutput + (row * On.Tiles.Width), On.Geometry.HeadWidth, On.Tiles.Width);
        }

        TileProduct.Multiply(queries, On.Tiles.Width, 1, keysT, On.Tiles.Stride, weights, On.Tiles.Stride, scoreSize, false);
        TileProduct.Multiply(dOutput, On.Tiles.Width, 1, valuesT, On.Tiles.Stride, dScores, On.Tiles.Stride, scoreSize, false);
        for (int row = 0; row < Queries; row++)
        {
            int valid = row < rows ? first + row + 1 : 0;
            float logSum = 0;
            float rowSum = 0;
            if (row < rows)
            {
                // The output is needed for this sum only; the queries' gradient has no values yet and lends its row.
                HeadRows.Load<TElement>(On.Heads, On.HeadAt(firstRow + first + row, head), dQueries, On.Geometry.HeadWidth, On.Tiles.Width);
                rowSum = HeadRows.Dot(dQueries, dOutput + (row * On.Tiles.Width), On.Tiles.Width);
                logSum = On.LogSums[On.LogSumAt(firstRow + first + row, head)];
            }

            Differentiate(weights + (row * On.Tiles.Stride), dScores + (row * On.Tiles.Stride), logSum, rowSum, valid, count);
        }

        TileProduct.Multiply(weights, 1, On.Tiles.Stride, dOutput, On.Tiles.Width, dValues, On.Tiles.Width, keySize, true);
        TileProduct.Multiply(dScores, 1, On.Tiles.Stride, queries, On.Tiles.Width, dKeys, On.Tiles.Width, keySize, true);
        TileProduct.Multiply(dScores, On.Tiles.Stride, 1, keys, On.Tiles.Width, dQueries, On.Tiles.Width, (Queries, On.Tiles.Width, count), false);
        for (int row = 0; row < rows; row++)
        {
            float* dQuery = dQueries + (row * On.Tiles.Width);
            On.Rotation.Backward(dQuery, first + row, On.Geometry.Scale);
            HeadRows.Store<TElement>(dQuery, On.Qkv, source.QueryAt(head, first + row), On.Geometry.HeadWidth, 1);
        }
    }

    /// <summary>scores → P = exp(scores − log of sum), dP → dS = P·(dP − row sum); both 0 from <paramref name="valid"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Differentiate(float* scores, float* dScores, float logSum, float rowSum, int valid, int padded)
    {
        Vector512<int> lanes = Vector512<int>.Indices;
        Vector512<float> shift = Vector512.Create(logSum);
        Vector512<float> mean = Vector512.Create(rowSum);
        for (int j = 0; j < padded; j += 16)
        {
            Vector512<float> inside = Vector512.LessThan(lanes, Vector512.Create(valid - j)).AsSingle();
            Vector512<float> weight = Vector512.ConditionalSelect(inside, VectorMath.Exp(Vector512.Load(scores + j) - shift), Vector512<float>.Zero);
            weight.Store(scores + j);
            (weight * (Vector512.Load(dScores + j) - mean)).Store(dScores + j);
        }
    }
}
