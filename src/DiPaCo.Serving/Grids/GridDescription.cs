using System.Collections.Immutable;
using System.Text.Json.Serialization;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;

namespace DiPaCo.Serving.Grids;

/// <summary>A trained model, told by the hashes of its parts: what serving and export need to know, and nothing of how it was trained.</summary>
public sealed record GridDescription
{
    // Beyond the paper's largest grid by far; what is read from a file must not decide on how much is allocated.
    private const int MostPaths = 1 << 16;

    private const int MostBlocks = 4_096;

    /// <summary>Name of the run.</summary>
    public required string Name { get; init; }

    /// <summary>SHA-256 over the sorted list of module id and blob hash; equal digests mean equal models.</summary>
    public required string ModelDigest { get; init; }

    /// <summary>Phases that every module has finished.</summary>
    public required int PhasesDone { get; init; }

    /// <summary>The transformer of a path.</summary>
    public required TransformerShape Shape { get; init; }

    /// <summary>Levels, sharing and paths.</summary>
    public required TopologyOptions Topology { get; init; }

    /// <summary>Arithmetic of the matrix products in training, and in serving unless told otherwise.</summary>
    public required ComputeType Compute { get; init; }

    /// <summary>Tokens of a training sequence, T: the longest context that the paths have seen.</summary>
    public required int SequenceLength { get; init; }

    /// <summary>Tokens at the beginning of a document that the router looks at.</summary>
    public required int PrefixTokens { get; init; }

    /// <summary>Whether the router looks at the base model's features; if not, at the origin only.</summary>
    public required bool UsesFeatures { get; init; }

    /// <summary>Blob of every module, by its name.</summary>
    public required ImmutableSortedDictionary<string, BlobHash> Modules { get; init; }

    /// <summary>The paths that are served in an earlier version.</summary>
    public ImmutableArray<GridStoppedPath> Stopped { get; init; } = [];

    /// <summary>The base model, one dense path, whose hidden states are the router's features.</summary>
    public required BlobHash BaseModel { get; init; }

    /// <summary>The tokenizer.</summary>
    public required BlobHash Tokenizer { get; init; }

    /// <summary>The tokenizer's chat template with the tokens that it names; null: it has none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public BlobHash? ChatTemplate { get; init; }

    /// <summary>The router of documents.</summary>
    public required BlobHash Router { get; init; }

    /// <summary>The routers of tokens, if any were trained.</summary>
    public ImmutableArray<GridTokenRouter> TokenRouters { get; init; } = [];

    /// <summary>All blobs, each once, with the name of a file that it may be kept in.</summary>
    public ImmutableSortedDictionary<BlobHash, string> NamedBlobs()
    {
        ImmutableSortedDictionary<BlobHash, string>.Builder names = ImmutableSortedDictionary.CreateBuilder<BlobHash, string>();
        Add(Tokenizer, "tokenizer.json");
        if (ChatTemplate is { } template)
        {
            Add(template, ChatFormatFile.ConfigName);
        }

        Add(Router, "router.safetensors");
        Add(BaseModel, "base.safetensors");
        for (int at = 0; at < TokenRouters.Length; at++)
        {
            Add(TokenRouters[at].Blob, FormattableString.Invariant($"token-router-{at}.safetensors"));
        }

        foreach ((string module, BlobHash blob) in Modules)
        {
            Add(blob, $"modules/{module}.safetensors");
        }

        foreach (GridStoppedPath path in Stopped)
        {
            foreach ((string module, BlobHash blob) in path.Modules)
            {
                Add(blob, FormattableString.Invariant($"modules/path{path.Path.Value}/{module}.safetensors"));
            }
        }

        return names.ToImmutable();

        void Add(BlobHash blob, string name) => names.TryAdd(blob, name);
    }

    /// <summary>Whether another description says the same, member by member; collections count by what they hold.</summary>
    internal bool SaysTheSameAs(GridDescription other) => ExportedGrid.Serialize(this).AsSpan().SequenceEqual(ExportedGrid.Serialize(other));

    /// <summary>Whether this is the same model as another, trained on or before: only what training changes differs.</summary>
    internal bool IsVersionOf(GridDescription other) => SaysTheSameAs(other with
    {
        Name = Name,
        ModelDigest = ModelDigest,
        PhasesDone = PhasesDone,
        Compute = Compute,
        Modules = Modules,
        Stopped = Stopped,
        BaseModel = BaseModel,
        ChatTemplate = ChatTemplate,
        Router = Router,
        TokenRouters = TokenRouters,
    });

    /// <summary>What is wrong with the description as a whole, null if nothing: it may come from anywhere.</summary>
    internal string? Problem()
    {
        if (!RunConfig.IsName(Name))
        {
            return "its name is not one of letters, digits, dots, dashes and underscores";
        }

        long paths = Topology.Levels.Aggregate((long)Topology.Replicas, (count, level) => Math.Min(count, MostPaths + 1L) * Math.Max(0, level.Experts));
        if (paths is < 1 or > MostPaths)
        {
            return $"its grid has no path, or more than {MostPaths}";
        }

        if (Topology.Levels.Any(level => level.Blocks is < 1 or > MostBlocks) || Topology.Levels.Sum(level => (long)level.Blocks) != Shape.Blocks
            || Shape.Blocks > MostBlocks || Topology.Paths.Any(path => path.Length != Topology.Levels.Length))
        {
            return $"the blocks of its levels do not add up to the {Shape.Blocks} of the transformer";
        }

        if (ShapeProblem() is { } shape)
        {
            return shape;
        }

        ModelTopology topology;
        try
        {
            topology = ModelTopology.Create(Topology, Shape);
        }
        catch (ArgumentException exception)
        {
            return exception.Message;
        }

        return !SameNames(topology.Modules, Modules) ? "its modules are not those of its topology"
            : !Stopped.All(path => topology.Paths.Contains(path.Path) && SameNames(topology.ModulesOf(path.Path), path.Modules)) ? "a stopped path has not the modules of its topology"
            : SequenceLength < 1 || PrefixTokens < 1 ? "its lengths are not positive"
            : PrefixTokens > SequenceLength ? $"its routing prefix of {PrefixTokens} tokens is longer than a sequence of {SequenceLength}"
            : null;
    }

    private string? ShapeProblem()
    {
        TransformerShape s = Shape;
        int[] numbers = [s.Vocabulary, s.Blocks, s.Width, s.Heads, s.KeyValueHeads, s.HeadWidth, s.FeedForward];
        return numbers.Any(number => number is < 1 or > 1 << 24) ? "its transformer has a size below 1 or beyond reason"
            : s.Outputs is not null ? "its paths predict classes, not tokens"
            : s.Width % 32 != 0 || s.FeedForward % 32 != 0 || s.HeadWidth % 8 != 0 || s.Heads % s.KeyValueHeads != 0 ? "its transformer's sizes do not divide as they must"
            : !double.IsFinite(s.RopeBase) || s.RopeBase <= 0 || !double.IsFinite(s.NormEpsilon) || s.NormEpsilon <= 0 ? "its rotary base or its norm's epsilon is not a positive number"
            : (((double)s.Vocabulary + ((double)s.Blocks * (s.QkvRows + s.UpRows + s.FeedForward + (s.Heads * (double)s.HeadWidth)))) * s.Width) > ModuleLayout.MostElements
                ? "a path has more parameters than fit into one buffer"
            : null;
    }

    private static bool SameNames(ImmutableArray<ModuleDefinition> modules, ImmutableSortedDictionary<string, BlobHash> blobs) =>
        modules.Select(module => module.Id.Name).Order(StringComparer.Ordinal).SequenceEqual(blobs.Keys.Order(StringComparer.Ordinal));
}
