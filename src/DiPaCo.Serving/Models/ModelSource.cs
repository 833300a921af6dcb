using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Serving.Grids;

namespace DiPaCo.Serving.Models;

/// <summary>
/// The newest version of the model in a folder. A run in training writes new ones; each is loaded beside the one before, and requests
/// that began with that one end with it.
/// </summary>
internal sealed class ModelSource
{
    /// <summary>
    /// How long a new version may be read only while nobody else wants the processor. A run that trains on the same machine always wants it, and lets go of the version's files
    /// while it writes the next ones.
    /// </summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly string _folder;
    private readonly ModuleStore _store;
    private readonly TimeProvider _time;
    private LiveModel _current;

    private ModelSource(string folder, ModuleStore store, TimeProvider time, LiveModel current)
    {
        _folder = folder;
        _store = store;
        _time = time;
        _current = current;
    }

    /// <summary>The version for new requests.</summary>
    public LiveModel Current => Volatile.Read(ref _current);

    /// <summary>Versions taken up since the start.</summary>
    public int Updates { get; private set; }

    /// <summary>Opens the folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="store">Receives the weights.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the opening.</param>
    /// <exception cref="DiPaCoException">It has no model, or it is damaged.</exception>
    public static async Task<ModelSource> OpenAsync(string folder, ModuleStore store, TimeProvider time, CancellationToken cancellationToken) =>
        new(folder, store, time, await LiveModel.OpenAsync(ServedGrid.Open(folder), store, cancellationToken));

    /// <summary>
    /// Takes up a new version, if there is one; its modules are loaded before requests come to it, as far as the memory allows. Modules of versions
    /// before are freed once nobody uses them.
    /// </summary>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="DiPaCoException">The folder cannot be read now, or belongs to another model.</exception>
    public async Task<bool> RefreshAsync(CancellationToken cancellationToken)
    {
        LiveModel current = Current;
        ServedGrid grid = ServedGrid.Open(_folder);
        if (grid.Description.SaysTheSameAs(current.Description))
        {
            // What requests of the version before still had at the change may be free by now.
            _store.KeepOnly(current.Blobs);
            return false;
        }

        // Sequences that wait may go over to the new version: whatever memory and plans rest on has to stay as it was.
        if (!grid.Description.IsVersionOf(current.Description))
        {
            throw OtherModel();
        }

        LiveModel next = await LiveModel.OpenAsync(grid, _store, cancellationToken);
        if (next.Router.FeatureWidth != current.Router.FeatureWidth)
        {
            throw OtherModel();
        }

        using CancellationTokenSource hurry = new(Patience, _time);
        await PreloadAsync(next, hurry.Token, cancellationToken);
        Volatile.Write(ref _current, next);
        Updates++;
        _store.KeepOnly(next.Blobs);
        return true;
    }

    /// <summary>Loads what fits, so that the first requests need not wait.</summary>
    /// <param name="model">The version.</param>
    /// <param name="hurry">Until it is cancelled, one module after the other is read, and only while nobody else wants the processor: those who write meanwhile are not delayed.</param>
    /// <param name="cancellationToken">Ends the loading.</param>
    public static async Task PreloadAsync(LiveModel model, CancellationToken hurry, CancellationToken cancellationToken)
    {
        // Whoever names no path waits for the base model first, whatever path it comes to.
        ImmutableArray<PathId> paths = model.Grid.Topology.Paths;
        IEnumerable<ImmutableArray<GridModule>> chooser = paths.Length > 1 ? [[model.Base]] : [];
        foreach (ImmutableArray<GridModule> modules in chooser.Concat(paths.Select(model.Grid.ModulesOf)))
        {
            if (!await model.TryPreloadAsync(modules, hurry, cancellationToken))
            {
                return;
            }
        }
    }

    private DiPaCoException OtherModel() =>
        new($"'{_folder}' now holds a model of another shape, grid, tokenizer or kind of router. Start the server again to serve it.");
}
