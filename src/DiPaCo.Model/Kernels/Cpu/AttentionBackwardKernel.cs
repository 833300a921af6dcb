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
            for (int block = 0; block < On.Geometry.Length; block += AttentionTiles.BlockQueries)
            {
                int end = Math.Min(block + AttentionTiles.BlockQueries, On.Tiles.Length);
                for (int first = block; first < end; first += Queries)
                {
                    Tile(source, head, first, first - block, firstRow, keys, On.After(chunk));
                }

                AddKeysAndValues(block, end, keys);
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
    private readonly void Tile(HeadSource<TElement> source, int head, int first, int inBlock, nint firstRow, float* keys, long after)
    {
        (int nextKeyValueHead, nint nextRow) = On.PlaceOf(after);
        int nextHead = (nextKeyValueHead * On.Geometry.Group) + (head % On.Geometry.Group);
        HeadSource<TElement> next = On.SourceAt<TElement>(nextRow);
        float* keysT = keys + On.Tiles.Rows;
        float* valuesT = keysT + On.Tiles.Transposed;
        float* dQueries = valuesT + On.Tiles.Transposed + (2 * On.Tiles.Rows);
        float* queries = dQueries + On.Tiles.QueryTile + (inBlock * On.Tiles.Width);
        float* dOutput = queries + On.Tiles.QueryBlock;
        float* weights = dQueries + On.Tiles.QueryTile + (2 * On.Tiles.QueryBlock) + (inBlock * On.Tiles.Stride);
        float* dScores = weights + On.Tiles.ScoreBlock;

        int count = first + Queries;
        int rows = Math.Min(Queries, On.Geometry.Length - first);
        (int Rows, int Columns, int Depth) scoreSize = (Queries, count, On.Tiles.Width);

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
                next.Ahead(nextHead, first + row);
                HeadRows.Ahead<TElement>(On.Heads, On.HeadAt(nextRow + first + row, nextHead), On.Geometry.HeadWidth);
                HeadRows.Ahead<TElement>(HeadsGradient, On.HeadAt(nextRow + first + row, nextHead), On.Geometry.HeadWidth);
                logSum = On.LogSums[On.LogSumAt(firstRow + first + row, head)];
            }

            Differentiate(weights + (row * On.Tiles.Stride), dScores + (row * On.Tiles.Stride), logSum, rowSum, valid, count);
        }

        TileProduct.Multiply(dScores, On.Tiles.Stride, 1, keys, On.Tiles.Width, dQueries, On.Tiles.Width, (Queries, On.Tiles.Width, count), false);
        for (int row = 0; row < rows; row++)
        {
            float* dQuery = dQueries + (row * On.Tiles.Width);
            On.Rotation.Backward(dQuery, first + row, On.Geometry.Scale);
            HeadRows.Store<TElement>(dQuery, On.Qkv, source.QueryAt(head, first + row), On.Geometry.HeadWidth, 1);
        }
    }

    /// <summary>Adds what a block of queries contributes to dV and dK: long sums, so that these are seldom loaded and stored.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void AddKeysAndValues(int block, int end, float* keys)
    {
        float* dKeys = keys + On.Tiles.Rows + (2 * On.Tiles.Transposed);
        float* dValues = dKeys + On.Tiles.Rows;
        float* queries = dValues + On.Tiles.Rows + On.Tiles.QueryTile;
        float* dOutput = queries + On.Tiles.QueryBlock;
        float* weights = dOutput + On.Tiles.QueryBlock;
        float* dScores = weights + On.Tiles.ScoreBlock;
        for (int key = 0; key < end; key += Queries)
        {
            // Queries before a key do not see it.
            int skipped = Math.Max(0, key - block);
            (int Rows, int Columns, int Depth) size = (Queries, On.Tiles.Width, end - block - skipped);
            nint score = (skipped * On.Tiles.Stride) + key;
            int query = skipped * On.Tiles.Width;
            TileProduct.Multiply(weights + score, 1, On.Tiles.Stride, dOutput + query, On.Tiles.Width, dValues + (key * On.Tiles.Width), On.Tiles.Width, size, true);
            TileProduct.Multiply(dScores + score, 1, On.Tiles.Stride, queries + query, On.Tiles.Width, dKeys + (key * On.Tiles.Width), On.Tiles.Width, size, true);
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
