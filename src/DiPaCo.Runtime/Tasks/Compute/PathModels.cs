using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Model;
using DiPaCo.Runtime.Storage;
using TorchSharp;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Keeps the buffers of the last path that was computed: tasks of one run differ in parameters, hardly ever in shape,
/// and allocating some gigabytes for every task would cost more than it. One task at a time.
/// </summary>
/// <param name="device">Where paths are computed.</param>
internal sealed class PathModels(torch.Device device) : IDisposable
{
    private string? _layout;
    private PathModel? _model;

    /// <summary>The path with its parameters loaded. Owned by this pool; valid until the next call.</summary>
    /// <param name="path">The path.</param>
    /// <param name="files">The files of its modules, in the same order.</param>
    /// <param name="maxTokens">Most tokens computed at once.</param>
    public PathModel Load(PathInput path, IReadOnlyList<string> files, int maxTokens)
    {
        PathModel model = Create(path, maxTokens);
        for (int i = 0; i < files.Count; i++)
        {
            model.Parameters.Load(path.Modules[i].Id, files[i]);
        }

        return model;
    }

    /// <summary>The path with whatever parameters its buffers hold.</summary>
    public PathModel Create(PathInput path, int maxTokens)
    {
        string layout = System.Text.Json.JsonSerializer.Serialize(
            new { path.Shape, path.Compute, Modules = path.Modules.Select(module => new { module.Id, module.Parts }), maxTokens }, TaskJson.Options);
        if (_layout != layout || _model is null)
        {
            _model?.Dispose();
            _model = null;
            _model = new PathModel(path.Shape, Definitions(path.Shape, path.Modules), new ComputeOptions
            {
                Type = path.Compute,
                Device = device,
                MaxTokens = maxTokens,
            });
            _layout = layout;
        }

        return _model;
    }

    /// <inheritdoc/>
    public void Dispose() => _model?.Dispose();

    /// <summary>The files of a path's modules.</summary>
    public static Task<IReadOnlyList<string>> FilesAsync(PathInput path, IBlobStore store, CancellationToken cancellationToken) =>
        FilesAsync(path.Blobs, store, cancellationToken);

    /// <summary>The files of modules.</summary>
    public static async Task<IReadOnlyList<string>> FilesAsync(IEnumerable<BlobHash> modules, IBlobStore store, CancellationToken cancellationToken)
    {
        List<string> files = [];
        foreach (BlobHash blob in modules)
        {
            files.Add(await store.GetFileAsync(blob, cancellationToken));
        }

        return files;
    }

    /// <summary>The layouts of modules.</summary>
    public static ImmutableArray<ModuleDefinition> Definitions(TransformerShape shape, IEnumerable<ModuleInput> modules) =>
        [.. modules.Select(module => new ModuleDefinition(module.Id, ModuleLayout.Of(shape, module.Parts), []))];
}
