using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Tests.Tasks;

/// <summary>Loss matrices of random numbers.</summary>
internal static class LossMatrices
{
    /// <summary>Documents of the given numbers of tokens.</summary>
    public static LossMatrix Random(long seed, int paths, int cell, params ReadOnlySpan<int> tokens)
    {
        ImmutableArray<ScoredDocument>.Builder documents = ImmutableArray.CreateBuilder<ScoredDocument>();
        foreach (int count in tokens)
        {
            documents.Add(new ScoredDocument(new DocumentId(documents.Count / 2, documents.Count), count, 7, 3 * count));
        }

        LossMatrix matrix = new([.. Enumerable.Range(0, paths).Select(path => new PathId(2 * path))], documents.ToImmutable(), cell);
        RandomStream random = new(seed, "losses");
        foreach (float[] values in new[] { matrix.Prefix, matrix.Cells })
        {
            foreach (ref float value in values.AsSpan())
            {
                value = (float)(10 * random.NextDouble());
            }
        }

        return matrix;
    }
}
