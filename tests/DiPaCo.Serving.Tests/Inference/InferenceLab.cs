using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model;
using DiPaCo.Serving.Inference;

namespace DiPaCo.Serving.Tests.Inference;

/// <summary>A grid of random parameters in files, what training's forward pass says about it, and everything to serve it with.</summary>
internal sealed class InferenceLab : IDisposable
{
    public const int MostPositions = 96;

    private readonly string _folder = Directory.CreateTempSubdirectory("dipaco-inference-").FullName;
    private readonly Dictionary<string, LoadedModule> _loaded = [];
    private readonly List<IDisposable> _owned = [];

    public InferenceLab(TransformerShape shape, WeightType type = WeightType.Fp32, int threads = 1, ImmutableArray<int> boundaries = default)
    {
        Shape = shape;
        Type = type;
        Topology = ModelTopology.Create(
            new TopologyOptions
            {
                Levels = [new LevelOptions { Blocks = 2, Experts = 2 }, new LevelOptions { Blocks = shape.Blocks - 2, Experts = 2 }],
                Embedding = Sharing.Shared,
                Head = Sharing.Level,
            },
            shape);
        foreach (PathId path in Topology.Paths)
        {
            using PathModel model = ModelOf(path);
            model.Parameters.Initialize(7);
            RandomStream noise = new(3, "lab", path.Value);
            foreach (ModuleDefinition module in Topology.ModulesOf(path))
            {
                if (File.Exists(FileOf(module.Id)))
                {
                    continue;
                }

                float[] parameters = new float[module.Layout.Length];
                model.Parameters.Read(module.Id, parameters);
                foreach (NamedTensor tensor in module.Layout.Tensors)
                {
                    foreach (ref float value in parameters.AsSpan((int)tensor.Offset, (int)tensor.Length))
                    {
                        value = (float)(tensor.IsMatrix ? (3 * value) + (0.02 * noise.NextGaussian()) : 1 + (0.1 * noise.NextGaussian()));
                    }
                }

                model.Parameters.Write(module.Id, parameters);
                using FileStream file = File.Create(FileOf(module.Id));
                model.Parameters.Save(module.Id, file);
            }
        }

        Geometry = new CacheGeometry(shape, boundaries.IsDefault ? [2] : boundaries);
        Threads = new ComputePool(threads);
        Pages = new PagePool(Geometry, 200);
        Pass = new ForwardPass(Geometry, Threads, type, 64, MostPositions);
    }

    public static TransformerShape SmallShape { get; } = new()
    {
        Vocabulary = 101, Blocks = 4, Width = 64, Heads = 4, KeyValueHeads = 2, HeadWidth = 24, FeedForward = 96, TiedEmbedding = false,
    };

    public TransformerShape Shape { get; }

    public WeightType Type { get; }

    public ModelTopology Topology { get; }

    public CacheGeometry Geometry { get; }

    public ComputePool Threads { get; }

    public PagePool Pages { get; }

    public ForwardPass Pass { get; }

    public static int[] Tokens(int count, int salt = 0)
    {
        RandomStream random = new(11, "tokens", salt);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextInt32(SmallShape.Vocabulary))];
    }

    public PathWeights PathOf(int path) => PathWeights.Of(Shape.Blocks, [.. Topology.ModulesOf(new PathId(path)).Select(Load)]);

    /// <summary>A cache that goes with the lab.</summary>
    public SequenceCache NewCache(int positions = MostPositions)
    {
        SequenceCache cache = Pages.TryReserve(positions)!;
        _owned.Add(cache);
        return cache;
    }

    /// <summary>Logits behind every position, as training computes them.</summary>
    public float[][] Expected(int path, int[] tokens, ComputeType type = ComputeType.Fp32)
    {
        using PathModel model = Loaded(path, type);
        return [.. Enumerable.Range(1, tokens.Length).Select(length => model.NextTokenLogits(tokens.AsSpan(0, length), length, [length]))];
    }

    /// <summary>The features of a text, as training computes them.</summary>
    public float[] Features(int path, int[] tokens)
    {
        using PathModel model = Loaded(path, ComputeType.Fp32);
        return model.FeaturesOf(tokens, tokens.Length, [tokens.Length]);
    }

    /// <summary>Logits of every position in one step.</summary>
    public float[][] AllLogits(int path, int[] tokens) =>
        Step(new Slice { Path = PathOf(path), Cache = NewCache(), Position = 0, Tokens = tokens, Logits = LogitRows.All })[0];

    /// <summary>The logits of a step, by slice and position.</summary>
    public float[][][] Step(params Slice[] slices)
    {
        RecordingSink sink = new(slices);
        Pass.Run(slices, sink);
        return sink.Received;
    }

    public void Dispose()
    {
        foreach (IDisposable owned in _owned)
        {
            owned.Dispose();
        }

        Pass.Dispose();
        Pages.Dispose();
        Threads.Dispose();
        foreach (LoadedModule module in _loaded.Values)
        {
            module.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private PathModel Loaded(int path, ComputeType type)
    {
        PathModel model = ModelOf(new PathId(path), type);
        foreach (ModuleDefinition module in Topology.ModulesOf(new PathId(path)))
        {
            model.Parameters.Load(module.Id, FileOf(module.Id));
        }

        return model;
    }

    private PathModel ModelOf(PathId path, ComputeType type = ComputeType.Fp32) => new(Shape, Topology.ModulesOf(path), new ComputeOptions { Type = type });

    private string FileOf(ModuleId module) => Path.Combine(_folder, module.Name + ".safetensors");

    private LoadedModule Load(ModuleDefinition module)
    {
        if (!_loaded.TryGetValue(module.Id.Name, out LoadedModule? loaded))
        {
            _loaded[module.Id.Name] = loaded = LoadedModule.Read(FileOf(module.Id), module.Layout, Type, CancellationToken.None);
        }

        return loaded;
    }

    private sealed class RecordingSink(Slice[] slices) : IStepSink
    {
        public float[][][] Received { get; } = [.. slices.Select(slice => new float[slice.Tokens.Length][])];

        public void Logits(int slice, int index, ReadOnlySpan<float> logits) => Received[slice][index] = logits.ToArray();

        public void Hidden(int slice, int index, ReadOnlySpan<float> hidden) => Received[slice][index] = hidden.ToArray();
    }
}
