using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Model;
using DiPaCo.Routing;
using DiPaCo.Serving.Grids;
using Xunit;

namespace DiPaCo.Serving.Tests.Support;

/// <summary>An exported model of random parameters, whose router looks at origins: any shape and grid without training.</summary>
internal static class RandomGrid
{
    /// <summary>Writes one.</summary>
    /// <param name="like">Has the tokenizer and whatever else is not said.</param>
    /// <param name="folder">Where.</param>
    /// <param name="levels">Its levels; the embedding is everyone's, the head the last level's.</param>
    /// <param name="shape">Its transformer.</param>
    public static async Task<ServedGrid> CreateAsync(ServedGrid like, string folder, ImmutableArray<LevelOptions> levels, TransformerShape shape)
    {
        TopologyOptions options = new() { Levels = levels, Embedding = Sharing.Shared, Head = Sharing.Level };
        ModelTopology topology = ModelTopology.Create(options, shape);
        List<GridFile> files = [];
        RandomStream chance = new(5, "grid");
        GridDescription description = like.Description with
        {
            Shape = shape,
            Topology = options,
            UsesFeatures = false,
            Modules = topology.Modules.ToImmutableSortedDictionary(
                module => module.Id.Name, module => Add($"modules/{module.Id.Name}.safetensors", Parameters(module)), StringComparer.Ordinal),
            Stopped = [],
            BaseModel = Add("base.safetensors", Parameters(ModelTopology.Dense(shape).Modules[0])),
            Tokenizer = Add("tokenizer.json", await like.ReadTokenizerFileAsync(TestContext.Current.CancellationToken)),
            Router = Add("router.safetensors", Written(stream => RouterCodec.Write(new RandomRouter(topology.Paths, 1), stream))),
            TokenRouters = [],
        };
        await File.WriteAllBytesAsync(
            Path.Combine(folder, ExportedGrid.ManifestName),
            ExportedGrid.Serialize(new GridManifest(ExportedGrid.FormatName, description, [.. files])), TestContext.Current.CancellationToken);
        return ServedGrid.Open(folder);

        BlobHash Add(string path, byte[] bytes)
        {
            string file = Path.Combine(folder, path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllBytes(file, bytes);
            files.Add(new GridFile(path, BlobHash.Of(bytes), bytes.Length));
            return files[^1].Blob;
        }

        byte[] Parameters(ModuleDefinition module)
        {
            float[] values = new float[module.Layout.Length];
            foreach (NamedTensor tensor in module.Layout.Tensors)
            {
                foreach (ref float value in values.AsSpan((int)tensor.Offset, (int)tensor.Length))
                {
                    value = (float)(tensor.IsMatrix ? 0.2 * chance.NextGaussian() : 1 + (0.1 * chance.NextGaussian()));
                }
            }

            return Written(stream => ModuleFile.Write(stream, module.Layout, values));
        }
    }

    private static byte[] Written(Action<Stream> write)
    {
        using MemoryStream stream = new();
        write(stream);
        return stream.ToArray();
    }
}
