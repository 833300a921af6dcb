using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Routing;
using DiPaCo.Runtime.Recipe;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Serving.Grids;

/// <summary>
/// A trained model to serve or to export, from a run's folder or from an exported one. It is a description and a place: nothing is in memory
/// before somebody asks for it. Immutable; a run that has trained on is opened again.
/// </summary>
public sealed class ServedGrid
{
    private readonly IGridFiles _files;
    private readonly ImmutableSortedDictionary<PathId, GridStoppedPath> _stopped;

    internal ServedGrid(GridDescription description, IGridFiles files)
    {
        Description = description;
        Topology = ModelTopology.Create(description.Topology, description.Shape);
        _files = files;
        _stopped = description.Stopped.ToImmutableSortedDictionary(path => path.Path, path => path);
    }

    /// <summary>What the model is.</summary>
    public GridDescription Description { get; }

    /// <summary>Its modules and paths.</summary>
    public ModelTopology Topology { get; }

    /// <summary>Opens the model in a folder: a run's, or one that <c>dipaco export --format dipaco</c> made.</summary>
    /// <exception cref="DiPaCoException">The folder holds neither, or a run without a model yet, or is damaged.</exception>
    public static ServedGrid Open(string folder) =>
        ExportedGrid.Exists(folder) ? ExportedGrid.Open(folder)
        : RunFolder.Exists(folder) ? OpenRun(folder)
        : throw new DiPaCoException(
            $"'{folder}' is neither a run nor an exported model: it has no run.json and no {ExportedGrid.ManifestName}. "
            + "Give the folder of a run, or one that 'dipaco export --format dipaco' made.");

    /// <summary>The modules of a path as it is served, in the order of the stack.</summary>
    /// <exception cref="KeyNotFoundException">There is no such path.</exception>
    public ImmutableArray<GridModule> ModulesOf(PathId path)
    {
        ImmutableSortedDictionary<string, BlobHash> blobs = _stopped.TryGetValue(path, out GridStoppedPath? stopped) ? stopped.Modules : Description.Modules;
        return [.. Topology.ModulesOf(path).Select(module => new GridModule(module, blobs[module.Id.Name]))];
    }

    /// <summary>The file of a blob that the description names.</summary>
    /// <exception cref="DiPaCoException">It is not there, or its bytes do not match its hash.</exception>
    public Task<string> GetFileAsync(BlobHash blob, CancellationToken cancellationToken) => GetFileAsync(blob, TaskScheduler.Default, cancellationToken);

    /// <inheritdoc cref="GetFileAsync(BlobHash, CancellationToken)"/>
    /// <param name="blob">The blob.</param>
    /// <param name="hashing">Where it is hashed, if it has to be.</param>
    /// <param name="cancellationToken">Ends the hashing.</param>
    public Task<string> GetFileAsync(BlobHash blob, TaskScheduler hashing, CancellationToken cancellationToken) => _files.GetFileAsync(blob, hashing, cancellationToken);

    /// <summary>The tokenizer's file as it is.</summary>
    /// <exception cref="DiPaCoException">It is not there, damaged, or too large to be one.</exception>
    public async Task<byte[]> ReadTokenizerFileAsync(CancellationToken cancellationToken)
    {
        FileInfo file = new(await GetFileAsync(Description.Tokenizer, cancellationToken));
        return file.Length <= TokenizerFile.MaximumBytes
            ? await File.ReadAllBytesAsync(file.FullName, cancellationToken)
            : throw new DiPaCoException($"The tokenizer '{file.FullName}' has {file.Length} bytes; a tokenizer has at most {TokenizerFile.MaximumBytes}.");
    }

    /// <summary>The tokenizer.</summary>
    /// <exception cref="DiPaCoException">It is not there, damaged, or not one.</exception>
    public async Task<TextTokenizer> LoadTokenizerAsync(CancellationToken cancellationToken) =>
        TokenizerFile.Load(await ReadTokenizerFileAsync(cancellationToken), "the model's tokenizer");

    /// <summary>The tokenizer's chat template with the tokens that it names; null: it has none.</summary>
    /// <exception cref="DiPaCoException">It is not there, or damaged.</exception>
    public async Task<ChatFormat?> LoadChatFormatAsync(CancellationToken cancellationToken)
    {
        if (Description.ChatTemplate is not { } blob)
        {
            return null;
        }

        FileInfo file = new(await GetFileAsync(blob, cancellationToken));
        return file.Length <= ChatFormatFile.MaximumBytes
            ? ChatFormatFile.Load(await File.ReadAllBytesAsync(file.FullName, cancellationToken), "the model's chat template")
            : throw new DiPaCoException($"The chat template '{file.FullName}' has {file.Length} bytes; one has at most {ChatFormatFile.MaximumBytes}.");
    }

    /// <summary>The router of documents.</summary>
    /// <exception cref="DiPaCoException">It is not there, damaged, or of other paths than the model's.</exception>
    public async Task<IRouter> LoadRouterAsync(CancellationToken cancellationToken)
    {
        IRouter router = RouterCodec.Read(await GetFileAsync(Description.Router, cancellationToken));
        return router.Paths.SequenceEqual(Topology.Paths) && (router.FeatureWidth == 0 || router.FeatureWidth == Description.Shape.Width) ? router
            : throw new DiPaCoException(
                $"The router of '{Description.Name}' chooses among {router.Paths.Length} paths by {router.FeatureWidth} features, "
                + $"but the model has {Topology.Paths.Length} paths and {Description.Shape.Width} features: it belongs to another model.");
    }

    private static ServedGrid OpenRun(string folder)
    {
        using RunFolder run = RunFolder.OpenForReading(folder);
        RunConfig config = RunConfigJson.Deserialize(run.Info.Config.GetRawText());
        ModelFile model = ModelFile.ReadWhereDue(run.Paths, config)
            ?? throw new DiPaCoException($"The run '{folder}' has no model yet: its first phase has not ended. 'dipaco status' says how far it is.");
        GridDescription description = new()
        {
            Name = config.Name,
            ModelDigest = model.ModelDigest,
            PhasesDone = model.PhasesDone,
            Shape = model.Shape,
            Topology = config.Topology,
            Compute = config.Transformer.Compute,
            SequenceLength = config.Transformer.SequenceLength,
            PrefixTokens = config.Routing.PrefixTokens,
            UsesFeatures = config.Routing.Method.UsesFeatures(),
            Modules = model.Modules,
            Stopped = [.. model.Stopped.Select(path => new GridStoppedPath(path.Path, path.PhasesDone, path.Modules))],
            BaseModel = model.Base.Parameters,
            Tokenizer = model.Tokenizer,
            ChatTemplate = model.ChatTemplate,
            Router = model.Router,
            TokenRouters = [.. model.TokenRouters.Select(router => new GridTokenRouter(router.Blob, router.Windows))],
        };
        return new ServedGrid(description, new RunGridFiles(new FolderBlobStore(run.Paths.Blobs)));
    }
}
