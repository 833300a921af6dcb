using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>
/// <c>model.json</c>: which blobs make up the model after the latest complete phase, and what belongs to it. It follows from the
/// journal and a run never reads it back; <c>status</c>, <c>verify</c> and <c>eval</c> do.
/// </summary>
internal sealed record ModelFile
{
    public const string FileName = "model.json";

    private const long MaxBytes = 256 << 20;

    /// <summary>Phases that every module has finished.</summary>
    public required int PhasesDone { get; init; }

    /// <summary>SHA-256 over the sorted list of module id and blob hash.</summary>
    public required string ModelDigest { get; init; }

    /// <summary>The transformer of a path.</summary>
    public required TransformerShape Shape { get; init; }

    /// <summary>Blob of every module, by its name.</summary>
    public required ImmutableSortedDictionary<string, BlobHash> Modules { get; init; }

    /// <summary>The paths that are served in an earlier version, under early stopping.</summary>
    public ImmutableArray<StoppedPath> Stopped { get; init; } = [];

    /// <summary>What was trained for them, the base model included: the steps of one path, with the tokens and FLOPs of all.</summary>
    public required TrainMetrics Training { get; init; }

    /// <summary>Floating-point operations of routing so far: features, clusters, documents scored under the paths.</summary>
    public double RoutingFlops { get; init; }

    /// <summary>The base model.</summary>
    public required DenseModel Base { get; init; }

    /// <summary>The tokenizer.</summary>
    public required BlobHash Tokenizer { get; init; }

    /// <summary>The tokenizer's chat template; null: it has none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public BlobHash? ChatTemplate { get; init; }

    /// <summary>The router.</summary>
    public required BlobHash Router { get; init; }

    /// <summary>Token chunks of the corpus.</summary>
    public required ImmutableArray<BlobHash> Chunks { get; init; }

    /// <summary>Their features.</summary>
    public required ImmutableArray<BlobHash> Features { get; init; }

    /// <summary>The dense baselines, once they are trained.</summary>
    public ImmutableArray<DenseModel> Baselines { get; init; } = [];

    /// <summary>The routers of tokens, where the configuration asks for them, once they are trained in the run's evaluation.</summary>
    public ImmutableArray<TrainedTokenRouter> TokenRouters { get; init; } = [];

    /// <summary>Validation perplexities so far.</summary>
    public required ImmutableArray<PhaseValidation> Validation { get; init; }

    /// <summary>The dense models to compare with, in the order of the table.</summary>
    [JsonIgnore]
    public IEnumerable<DenseModel> DenseModels => [.. Baselines, Base];

    /// <summary>What the routed model took to make.</summary>
    [JsonIgnore]
    public TrainingCost Cost => new(Training, RoutingFlops);

    /// <summary>All blobs that the file names, and what they are.</summary>
    [JsonIgnore]
    public IEnumerable<(string What, BlobHash Blob)> Blobs =>
    [
        .. Modules.Select(module => ($"module {module.Key}", module.Value)),
        .. Stopped.SelectMany(path => path.Modules.Select(module => ($"module {module.Key} of path {path.Path}", module.Value))),
        .. DenseModels.Select(model => ($"dense model {model.Kind}", model.Parameters)),
        ("tokenizer", Tokenizer),
        .. ChatTemplate is { } template ? [("chat template", template)] : Array.Empty<(string, BlobHash)>(),
        ("router", Router),
        .. TokenRouters.Select(router => ("token router", router.Blob)),
        .. Chunks.Select(chunk => ("token chunk", chunk)),
        .. Features.Select(features => ("features", features)),
    ];

    /// <summary>The digest of <see cref="Modules"/> as they stand here.</summary>
    public string ComputeDigest() => ServedModel.DigestOf(Modules.Select(module => (module.Key, module.Value)), Stopped);

    /// <summary>Writes the file completely or not at all.</summary>
    public void Write(RunPaths paths, IStorageSteps steps) => DurableFile.WriteAllBytes(
        Path.Combine(paths.Folder, FileName), JsonSerializer.SerializeToUtf8Bytes(this, RunJson.Indented), steps);

    /// <summary>Reads the file, and checks that it can be a model of this configuration, before anyone allocates by it.</summary>
    /// <exception cref="DiPaCoException">The file is damaged, or of another run.</exception>
    public static ModelFile? Read(RunPaths paths, RunConfig config)
    {
        if (Read(paths) is not { } model)
        {
            return null;
        }

        if (model.Shape.Vocabulary < 1 || model.Shape != config.ShapeFor(model.Shape.Vocabulary))
        {
            throw Damaged(Path.Combine(paths.Folder, FileName), "its shape is not that of the run's configuration.");
        }

        ModelTopology topology = ModelTopology.Create(config.Topology, model.Shape);
        string? problem =
            !topology.Modules.Select(module => module.Id.Name).SequenceEqual(model.Modules.Keys.Order(StringComparer.Ordinal)) ? "its modules are not those of the run's topology"
            : !model.Stopped.All(path => Fits(path, topology)) ? "a stopped path has not the modules of the run's topology"
            : null;
        return problem is null ? model : throw Damaged(Path.Combine(paths.Folder, FileName), problem + ".");
    }

    private static bool Fits(StoppedPath path, ModelTopology topology) =>
        topology.Paths.Contains(path.Path)
        && topology.ModulesOf(path.Path).Select(module => module.Id.Name).Order(StringComparer.Ordinal).SequenceEqual(path.Modules.Keys.Order(StringComparer.Ordinal));

    /// <summary>Reads the file; null before the first phase has ended.</summary>
    /// <exception cref="DiPaCoException">The file is damaged.</exception>
    public static ModelFile? Read(RunPaths paths)
    {
        FileInfo file = new(Path.Combine(paths.Folder, FileName));
        if (!file.Exists)
        {
            return null;
        }

        try
        {
            return file.Length <= MaxBytes
                ? JsonSerializer.Deserialize<ModelFile>(File.ReadAllBytes(file.FullName), RunJson.Indented)
                : throw new JsonException($"It has {file.Length} bytes.");
        }
        catch (JsonException exception)
        {
            throw Damaged(file.FullName, exception.Message, exception);
        }
    }

    /// <summary>Reads the file; null only in an unfinished run, before its first phase has ended or after a repair.</summary>
    /// <exception cref="DiPaCoException">The file is damaged, of another run, or lost.</exception>
    public static ModelFile? ReadWhereDue(RunPaths paths, RunConfig config) =>
        Read(paths, config) ?? (!IsDue(paths) ? null : throw new DiPaCoException(
            $"'{Path.Combine(paths.Folder, FileName)}' is missing, although the run is finished: it says which blobs are the model. "
            + $"'dipaco verify {paths.Folder} --repair' sets the results aside; the run's 'dipaco train' command then writes both anew."));

    /// <summary>Whether a run must have the file: it is written before the results.</summary>
    public static bool IsDue(RunPaths paths) => File.Exists(Path.Combine(paths.Folder, ResultsFile.FileName));

    private static DiPaCoException Damaged(string file, string problem, Exception? cause = null)
    {
        string message = $"'{file}' is damaged: {problem} Delete it and 'results.json'; the run's 'dipaco train' command writes both anew.";
        return cause is null ? new DiPaCoException(message) : new DiPaCoException(message, cause);
    }
}
