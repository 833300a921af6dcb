using System.Collections.Immutable;
using DiPaCo.Serving.Inference;

namespace DiPaCo.Serving.Models;

/// <summary>Modules in memory that stay there until this is disposed of.</summary>
internal sealed class ModuleLease(ImmutableArray<LoadedModule> modules, Action release) : IDisposable
{
    private Action? _release = release;

    /// <summary>The modules, in the order asked for.</summary>
    public ImmutableArray<LoadedModule> Modules { get; } = modules;

    /// <inheritdoc/>
    public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();

    /// <summary>Disposes of a lease once it is there: whoever asked for it has gone.</summary>
    public static void GiveBack(Task<ModuleLease> late) => late.ContinueWith(
        static late => late.Result.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
}
