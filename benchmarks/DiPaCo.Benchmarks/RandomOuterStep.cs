using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Model;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Training;

namespace DiPaCo.Benchmarks;

/// <summary>The outer step of a module that owns a whole transformer, over contributions of random parameters.</summary>
internal static class RandomOuterStep
{
    /// <summary>Puts module, momentum and contributions into a store.</summary>
    /// <param name="store">Receives them.</param>
    /// <param name="shape">The transformer.</param>
    /// <param name="paths">Contributions.</param>
    public static async Task<OuterSpec> SpecAsync(FolderBlobStore store, TransformerShape shape, int paths)
    {
        ImmutableArray<TransformerPart> parts = [.. TransformerPart.All(shape.Blocks)];
        ModuleLayout layout = ModuleLayout.Of(shape, parts);
        float[] values = new float[layout.Length];
        async Task<BlobHash> PutAsync(int which)
        {
            RandomStream random = new(1, "fold", which);
            foreach (NamedTensor tensor in layout.Tensors)
            {
                Span<float> part = values.AsSpan((int)tensor.Offset, (int)tensor.Length);
                for (int i = 0; i < part.Length; i++)
                {
                    part[i] = (float)random.NextDouble() - 0.5f;
                }
            }

            return await store.PutAsync(stream => ModuleFile.Write(stream, layout, values), CancellationToken.None);
        }

        ModuleInput module = new(ModuleId.Dense, parts, await PutAsync(0));
        BlobHash momentum = await PutAsync(1);
        List<Contribution> contributions = [];
        for (int path = 0; path < paths; path++)
        {
            contributions.Add(new Contribution(new PathId(path), await PutAsync(2 + path), 1.0 / paths));
        }

        return new OuterSpec(shape, module, momentum, [.. contributions], new OuterStepOptions(0.7, 0.9, 1));
    }
}
