using DiPaCo.Serving.Models;

namespace DiPaCo.Serving.Scheduling;

/// <summary>Modules that a sequence waits for, and what is done once they are there.</summary>
/// <param name="wake">Is called when they are.</param>
internal sealed class PendingModules(Action wake) : IDisposable
{
    private Func<LiveModel, Task<ModuleLease>>? _acquire;
    private Task<ModuleLease>? _loading;
    private Action<ModuleLease>? _loaded;

    /// <summary>Begins to wait.</summary>
    /// <param name="model">The version that has them.</param>
    /// <param name="acquire">Takes them.</param>
    /// <param name="loaded">Receives them.</param>
    public void Begin(LiveModel model, Func<LiveModel, Task<ModuleLease>> acquire, Action<ModuleLease> loaded)
    {
        (_acquire, _loading, _loaded) = (acquire, acquire(model), loaded);
        if (!_loading.IsCompleted)
        {
            _loading.ContinueWith((_, state) => ((Action)state!)(), wake, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    /// <summary>
    /// Whether something is still on its way; when it has come, it is handed over. A run in training lets go of old modules: as long as nothing was
    /// computed with them, the newest version's will do.
    /// </summary>
    /// <param name="model">The version; another one where that took its place.</param>
    /// <param name="newest">The version to turn to; null: there is none.</param>
    /// <exception cref="Core.DiPaCoException">They cannot be loaded.</exception>
    public bool IsPending(ref LiveModel model, Func<LiveModel>? newest)
    {
        if (_loading is { IsFaulted: true } && newest?.Invoke() is { } other && other != model)
        {
            model = other;
            Begin(other, _acquire!, _loaded!);
        }

        if (_loading is null || !_loading.IsCompleted)
        {
            return _loading is not null;
        }

        (Task<ModuleLease> loading, Action<ModuleLease> loaded) = (_loading, _loaded!);
        (_loading, _loaded) = (null, null);
        loaded(loading.GetAwaiter().GetResult());
        return false;
    }

    /// <summary>Gives back what comes too late.</summary>
    public void Dispose()
    {
        if (_loading is { } late)
        {
            ModuleLease.GiveBack(late);
        }
    }
}
