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

    public AttentionGeometry Geometry;
    public AttentionTiles Tiles;
    public Rotation Rotation;
    public void* Qkv;
    public void* Heads;
    public float* LogSums;
    public void* HeadsGradient;
    public float* Scratch;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        int sequence = (int)(chunk / Geometry.KeyValueHeads);
        int keyValueHead = (int)(chunk % Geometry.KeyValueHeads);
        nint firstRow = (nint)sequence * Geometry.Length;

        float* keys = Scratch + (worker * Tiles.Scratch);
        float* keysT = keys + Tiles.Rows;
        float* valuesT = keysT + Tiles.Transposed;
        float* dKeys = valuesT + Tiles.Transposed;
        float* dValues = dKeys + Tiles.Rows;
        float* queries = dValues + Tiles.Rows;

        HeadSource<TElement> source = new(Geometry, Tiles, Rotation, Qkv, firstRow);
        source.LoadKeys(keyValueHead, queries, keys, keysT);
        source.LoadValuesTransposed(keyValueHead, queries, valuesT);
        new Span<float>(dKeys, (int)(2 * Tiles.Rows)).Clear();
        for (int head = keyValueHead * Geometry.Group; head < (keyValueHead + 1) * Geometry.Group; head++)
        {
            for (int first = 0; first < Geometry.Length; first += Queries)
            {
                Tile(source, head, first, firstRow, keys);
            }
        }

        for (int t = 0; t < Geometry.Length; t++)
        {
            float* dKey = dKeys + (t * Tiles.Width);
            Rotation.Backward(dKey, t, 1);
            HeadRows.Store<TElement>(dKey, Qkv, source.KeyAt(keyValueHead, t), Geometry.HeadWidth, 1);
            HeadRows.Store<TElement>(dValues + (t * Tiles.Width), Qkv, source.ValueAt(keyValueHead, t), Geometry.HeadWidth, 1);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Tile(HeadSource<TElement> source, int head, int first, nint firstRow, float* keys)
    {
        float* keysT = keys + Tiles.Rows;
        float* valuesT = keysT + Tiles.Transposed;
        float* dKeys = valuesT + Tiles.Transposed;
        float* dValues = dKeys + Tiles.Rows;
        float* queries = dValues + Tiles.Rows;
        float* dOutput = queries + Tiles.QueryTile;
        float* dQueries = dOutput + Tiles.QueryTile;
        float* weights = dQueries + Tiles.QueryTile;
        float* dScores = weights + Tiles.ScoreTile;

        int count = first + Queries;
        int rows = Math.Min(Queries, Geometry.Length - first);
        (int Rows, int Columns, int Depth) scoreSize = (Queries, count, Tiles.Width);
        (int Rows, int Columns, int Depth) keySize = (count, Tiles.Width, Queries);

        source.LoadQueries(head, first, queries);
        new Span<float>(dOutput + (rows * Tiles.Width), (Queries - rows) * Tiles.Width).Clear();
        for (int row = 0; row < rows; row++)
        {
            HeadRows.Load<TElement>(HeadsGradient, HeadAt(firstRow + first + row, head), dOutput + (row * Tiles.Width), Geometry.HeadWidth, Tiles.Width);
        }

        TileProduct.Multiply(queries, Tiles.Width, 1, keysT, Tiles.Stride, weights, Tiles.Stride, scoreSize, false);
        TileProduct.Multiply(dOutput, Tiles.Width, 1, valuesT, Tiles.Stride, dScores, Tiles.Stride, scoreSize, false);
        for (int row = 0; row < Queries; row++)
        {
            int valid = row < rows ? first + row + 1 : 0;
            float logSum = 0;
            float rowSum = 0;
            if (row < rows)
            {
                // The output is needed for this sum only; the queries' gradient has no values yet and lends its row.
                HeadRows.Load<TElement>(Heads, HeadAt(firstRow + first + row, head), dQueries, Geometry.HeadWidth, Tiles.Width);
                rowSum = HeadRows.Dot(dQueries, dOutput + (row * Tiles.Width), Tiles.Width);
                logSum = LogSums[((firstRow + first + row) * Geometry.Heads) + head];
            }

            Differentiate(weights + (row * Tiles.Stride), dScores + (row * Tiles.Stride), logSum, rowSum, valid, count);
        }

        TileProduct.Multiply(weights, 1, Tiles.Stride, dOutput, Tiles.Width, dValues, Tiles.Width, keySize, true);
        TileProduct.Multiply(dScores, 1, Tiles.Stride, queries, Tiles.Width, dKeys, Tiles.Width, keySize, true);
        TileProduct.Multiply(dScores, Tiles.Stride, 1, keys, Tiles.Width, dQueries, Tiles.Width, (Queries, Tiles.Width, count), false);
        for (int row = 0; row < rows; row++)
        {
            float* dQuery = dQueries + (row * Tiles.Width);
            Rotation.Backward(dQuery, first + row, Geometry.Scale);
            HeadRows.Store<TElement>(dQuery, Qkv, source.QueryAt(head, first + row), Geometry.HeadWidth, 1);
        }
    }

    private readonly nint HeadAt(nint row, int head) => (row * Geometry.OutputWidth) + ((nint)head * Geometry.HeadWidth);

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
