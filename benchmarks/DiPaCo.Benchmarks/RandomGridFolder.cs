using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Model;
using DiPaCo.Routing;
using DiPaCo.Serving.Grids;

namespace DiPaCo.Benchmarks;

/// <summary>An exported 4 × 4 grid of random weights in a folder that goes when it is disposed: a common embedding, two levels, a k-means router.</summary>
internal sealed class RandomGridFolder : IDisposable
{
    private const int Experts = 4;
    private const int Prefix = 32;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("dipaco-grid-");
    private readonly TransformerShape _shape;
    private readonly TopologyOptions _topology;
    private readonly int _context;
    private readonly Dictionary<BlobHash, GridFile> _files = [];
    private readonly BlobHash _tokenizer;
    private readonly BlobHash _router;
    private readonly BlobHash _base;

    private RandomGridFolder(TransformerShape shape, int context, TextTokenizer tokenizer)
    {
        LevelOptions level = new() { Blocks = shape.Blocks / 2, Experts = Experts };
        _shape = shape;
        _context = context;
        _topology = new TopologyOptions { Levels = [level, level], Embedding = Sharing.Shared, Head = Sharing.Shared };
        ModelTopology topology = ModelTopology.Create(_topology, shape);
        _tokenizer = Add("tokenizer.json", stream => stream.Write(tokenizer.File.Span));
        FeatureMatrix centroids = FeatureMatrix.Of(Values(topology.Paths.Length * (long)shape.Width, 1), shape.Width);
        FeatureTransform transform = new(new float[shape.Width], Enumerable.Repeat(1f, shape.Width).ToArray());
        _router = Add("router.safetensors", stream => RouterCodec.Write(new KMeansRouter(topology.Paths, centroids, transform, Prefix), stream));
        ModuleDefinition dense = ModelTopology.Dense(shape).Modules[0];
        _base = Add("base.safetensors", stream => ModuleFile.Write(stream, dense.Layout, Values(dense.Layout.Length, 2)));
    }

    /// <summary>The folder.</summary>
    public string Path => _folder.FullName;

    /// <summary>Writes a folder with its first version.</summary>
    public static async Task<RandomGridFolder> CreateAsync(TransformerShape shape, int context)
    {
        RandomGridFolder folder = new(shape, context, await TokenizerAsync());
        folder.WriteVersion(1);
        return folder;
    }

    /// <summary>Writes modules of other weights and a manifest that names them, in place of the one before.</summary>
    public void WriteVersion(int version)
    {
        ImmutableSortedDictionary<string, BlobHash>.Builder modules = ImmutableSortedDictionary.CreateBuilder<string, BlobHash>(StringComparer.Ordinal);
        int number = 0;
        foreach (ModuleDefinition module in ModelTopology.Create(_topology, _shape).Modules)
        {
            float[] values = Values(module.Layout.Length, (1000 * version) + number++);
            modules[module.Id.Name] = Add($"modules/v{version}-{module.Id.Name}.safetensors", stream => ModuleFile.Write(stream, module.Layout, values));
        }

        GridDescription description = new()
        {
            Name = "random", ModelDigest = $"version-{version}", PhasesDone = version, Shape = _shape, Topology = _topology, Compute = ComputeType.Fp32,
            SequenceLength = _context, PrefixTokens = Prefix, UsesFeatures = true, Modules = modules.ToImmutable(),
            BaseModel = _base, Tokenizer = _tokenizer, Router = _router,
        };
        string manifest = System.IO.Path.Combine(Path, ExportedGrid.ManifestName);
        File.WriteAllBytes(manifest + ".new", ExportedGrid.Serialize(new GridManifest(ExportedGrid.FormatName, description, [.. _files.Values])));
        File.Move(manifest + ".new", manifest, overwrite: true);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static float[] Values(long count, int seed)
    {
        float[] values = new float[count];
        uint state = (uint)(seed * 2654435761);
        foreach (ref float value in values.AsSpan())
        {
            state = (state * 1664525) + 1013904223;
            value = ((state >> 8) / (float)(1 << 24) * 0.08f) - 0.04f;
        }

        return values;
    }

    private static Task<TextTokenizer> TokenizerAsync()
    {
        RandomStream random = new(1, "benchmark-words");
        string[] words = [.. Enumerable.Range(0, 3_000).Select(_ => string.Concat(Enumerable.Range(0, 3 + random.NextInt32(6)).Select(_ => (char)('a' + random.NextInt32(26)))))];
        return new BpeTrainer(new BpeTrainerOptions { VocabularySize = 4_096 }).TrainAsync(DocumentsAsync(), CancellationToken.None);

        async IAsyncEnumerable<Document> DocumentsAsync()
        {
            await Task.CompletedTask;
            for (int at = 0; at < 100; at++)
            {
                string text = string.Join(' ', Enumerable.Range(0, 500).Select(_ => words[random.NextInt32(words.Length)]));
                yield return new Document(text, $"{at}", "benchmark", $"{at}");
            }
        }
    }

    private BlobHash Add(string name, Action<Stream> write)
    {
        string file = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(file)!);
        using (FileStream stream = File.Create(file))
        {
            write(stream);
        }

        using FileStream written = File.OpenRead(file);
        BlobHash blob = BlobHash.FromDigest(System.Security.Cryptography.SHA256.HashData(written));
        _files[blob] = new GridFile(name, blob, written.Length);
        return blob;
    }
}
