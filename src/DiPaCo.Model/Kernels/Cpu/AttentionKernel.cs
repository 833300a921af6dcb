using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>
/// Causal attention: rotate queries and keys, scores, softmax, weighted sum of values. A chunk is one key and value head of
/// one sequence with the query heads that share it. All keys' scores of 32 queries are held at once, so the softmax
/// needs no second pass; only the scores on and below the diagonal are computed.
/// </summary>
internal unsafe struct AttentionKernel<TElement> : IChunkKernel
    where TElement : IElement
{
    public AttentionOperands On;
    public float* Scratch;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        (int keyValueHead, nint firstRow) = On.PlaceOf(chunk);

        float* keysT = Scratch + (worker * On.Tiles.Scratch);
        float* values = keysT + On.Tiles.Transposed;
        float* queries = values + On.Tiles.Rows;
        float* scores = queries + On.Tiles.QueryTile;
        float* output = scores + On.Tiles.ScoreTile;
        float* inverseSums = output + On.Tiles.QueryTile;

        HeadSource<TElement> source = On.SourceAt<TElement>(firstRow);
        (int nextHead, nint nextRow) = On.PlaceOf(On.After(chunk));
        HeadSource<TElement> next = On.SourceAt<TElement>(nextRow);
        source.LoadKeys(keyValueHead, queries, rows: null, keysT);
        source.LoadValues(keyValueHead, values);
        for (int head = keyValueHead * On.Geometry.Group; head < (keyValueHead + 1) * On.Geometry.Group; head++)
        {
            for (int first = 0; first < On.Geometry.Length; first += AttentionTiles.Queries)
            {
                int keys = first + AttentionTiles.Queries;
                source.LoadQueries(head, first, queries);
                TileProduct.Multiply(queries, On.Tiles.Width, 1, keysT, On.Tiles.Stride, scores, On.Tiles.Stride, (AttentionTiles.Queries, keys, On.Tiles.Width), false);
                for (int row = 0; row < AttentionTiles.Queries; row++)
                {
                    (inverseSums[row], float logSum) = Softmax(scores + (row * On.Tiles.Stride), first + row + 1, keys);
                    if (first + row < On.Geometry.Length)
                    {
                        next.Ahead((nextHead * On.Geometry.Group) + head - (keyValueHead * On.Geometry.Group), first + row);
                        On.LogSums[On.LogSumAt(firstRow + first + row, head)] = logSum;
                    }
                }

                TileProduct.Multiply(scores, On.Tiles.Stride, 1, values, On.Tiles.Width, output, On.Tiles.Width, (AttentionTiles.Queries, On.Tiles.Width, keys), false);
                for (int row = 0; row < Math.Min(AttentionTiles.Queries, On.Geometry.Length - first); row++)
                {
                    nint at = On.HeadAt(firstRow + first + row, head);
                    HeadRows.Store<TElement>(output + (row * On.Tiles.Width), On.Heads, at, On.Geometry.HeadWidth, inverseSums[row]);
                }
            }
        }
    }

    /// <summary>Replaces the first <paramref name="valid"/> scores by exponentials, relative to the largest, and the others by 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static (float InverseSum, float LogSum) Softmax(float* scores, int valid, int padded)
    {
        Vector512<float> lowest = Vector512.Create(float.NegativeInfinity);
        Vector512<float> largest = lowest;
        Vector512<int> lanes = Vector512<int>.Indices;
        for (int j = 0; j < padded; j += 16)
        {
            Vector512<float> inside = Vector512.LessThan(lanes, Vector512.Create(valid - j)).AsSingle();
            Vector512<float> score = Vector512.ConditionalSelect(inside, Vector512.Load(scores + j), lowest);
            score.Store(scores + j);
            largest = Vector512.MaxNative(largest, score);
        }

        float top = VectorMath.Max(largest);
        Vector512<float> shift = Vector512.Create(top);
        Vector512<float> sum = Vector512<float>.Zero;
        for (int j = 0; j < padded; j += 16)
        {
            Vector512<float> inside = Vector512.LessThan(lanes, Vector512.Create(valid - j)).AsSingle();
            Vector512<float> weight = Vector512.ConditionalSelect(inside, VectorMath.Exp(Vector512.Load(scores + j) - shift), Vector512<float>.Zero);
            weight.Store(scores + j);
            sum += weight;
        }

        float total = VectorMath.Sum(sum);
        return (1 / total, top + MathF.Log(total));
    }
}
