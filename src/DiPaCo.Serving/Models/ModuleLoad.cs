using DiPaCo.Serving.Inference;

namespace DiPaCo.Serving.Models;

/// <summary>
/// A module on its way into memory. Where nobody waits for it, it is read idly, which beside a busy process may take for ever. Once somebody waits it is read
/// at full speed as well: an idle thread cannot be woken in the middle of its work. What is there first counts, the other is given back.
/// </summary>
internal sealed class ModuleLoad
{
    private readonly Func<TaskScheduler, CancellationToken, Task<LoadedModule>> _read;
    private readonly TaskCompletionSource _hurry = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Begins to read.</summary>
    /// <param name="read">Reads the module on a scheduler.</param>
    /// <param name="idle">The scheduler to begin with; null: somebody waits already.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public ModuleLoad(Func<TaskScheduler, CancellationToken, Task<LoadedModule>> read, TaskScheduler? idle, CancellationToken cancellationToken)
    {
        _read = read;
        Loaded = idle is null ? read(TaskScheduler.Default, cancellationToken) : ReadAsync(idle, cancellationToken);
    }

    /// <summary>The module, once it is there.</summary>
    public Task<LoadedModule> Loaded { get; }

    /// <summary>Somebody waits, for the module or for the room that it takes while it is read.</summary>
    public void Hurry() => _hurry.TrySetResult();

    /// <summary>Frees the weights, once they are there.</summary>
    public void Free() => Free(Loaded);

    private async Task<LoadedModule> ReadAsync(TaskScheduler idle, CancellationToken cancellationToken)
    {
        using var decided = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<LoadedModule> first = _read(idle, decided.Token);
        if (await Task.WhenAny(first, _hurry.Task) == first)
        {
            return await first;
        }

        Task<LoadedModule> second = _read(TaskScheduler.Default, decided.Token);
        Task<LoadedModule> winner = await Task.WhenAny(first, second);
        await decided.CancelAsync();
        Free(winner == first ? second : first);
        return await winner;
    }

    private static void Free(Task<LoadedModule> loaded) => _ = loaded.ContinueWith(
        static loaded => loaded.Result.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
}
