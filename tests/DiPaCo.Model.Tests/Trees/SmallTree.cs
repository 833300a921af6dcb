using System.Text;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model.Kernels.Composed;
using DiPaCo.Model.Native;

namespace DiPaCo.Model.Tests.Trees;

/// <summary>A topology of small paths whose modules have parameters that follow from their names.</summary>
internal sealed class SmallTree
{
    private readonly bool _composed;

    public SmallTree(TopologyOptions options, ComputeType type = ComputeType.Fp32, bool tied = true, bool composed = false, Func<ModuleId, string>? versionOf = null)
    {
        TorchLibrary.Initialize();
        _composed = composed;
        Type = type;
        Shape = new TransformerShape
        {
            Vocabulary = 53, Blocks = options.Levels.Sum(level => level.Blocks), Width = 32, Heads = 2, KeyValueHeads = 1, HeadWidth = 16,
            FeedForward = 64, TiedEmbedding = tied,
        };
        Topology = ModelTopology.Create(options, Shape);
        VersionOf = module => BlobHash.Of(Encoding.UTF8.GetBytes((versionOf ?? (id => id.Name))(module)));
        Tree = PathTree.Of(Shape.Blocks, [.. Topology.Paths.Select(path => Topology.ModulesOf(path)
            .Select(module => new StackModule(module.Layout.Parts, VersionOf(module.Id))).ToArray())
            .Select(modules => System.Collections.Immutable.ImmutableArray.Create(modules))]);
    }

    public ComputeType Type { get; }

    public TransformerShape Shape { get; }

    public ModelTopology Topology { get; }

    public Func<ModuleId, BlobHash> VersionOf { get; }

    public PathTree Tree { get; }

    /// <summary>Loads of modules so far, in order.</summary>
    public List<(ModuleId Place, BlobHash Version)> Loads { get; } = [];

    public PathModel Path(PathId path)
    {
        ComputeOptions options = new() { Type = Type, MaxTokens = 64 };
        return new(Shape, Topology.ModulesOf(path), options, _composed ? new ComposedKernels(Shape, TorchSharp.torch.CPU) : null);
    }

    /// <summary>A path with its own modules loaded.</summary>
    public PathModel Loaded(PathId path)
    {
        PathModel model = Path(path);
        foreach (ModuleDefinition module in Topology.ModulesOf(path))
        {
            Load(model, module.Id, VersionOf(module.Id));
        }

        return model;
    }

    public PathTreeModel Over(PathModel model) => new(model, Tree, Loading(model));

    public CandidateTreeModel CandidatesOver(PathModel model) => new(model, Tree, Loading(model));

    private ModuleLoad Loading(PathModel model) => (place, version) =>
    {
        Loads.Add((place, version));
        Load(model, place, version);
    };

    private static void Load(PathModel model, ModuleId place, BlobHash version)
    {
        ParameterSegment segment = model.Parameters.Segment(place);
        float[] values = new float[segment.Length];
        RandomStream random = new(1, version.Hex);
        foreach (NamedTensor tensor in segment.Layout.Tensors)
        {
            for (long i = tensor.Offset; i < tensor.Offset + tensor.Length; i++)
            {
                values[i] = (float)(tensor.IsMatrix ? 0.2 * random.NextGaussian() : 1 + (0.2 * random.NextGaussian()));
            }
        }

        model.Parameters.Write(place, values);
    }
}
