using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Serving.Grids;
using DiPaCo.Serving.Inference;
using DiPaCo.Serving.Models;

namespace DiPaCo.Serving.Scheduling;

/// <summary>
/// The weights that a sequence has or waits for: its path's and the routers'. Where it has to wait for room it lets go of all that it has: of two that
/// each kept something and waited for the other's, neither would ever get it.
/// </summary>
internal sealed class SequenceWeights : IDisposable
{
    private readonly PendingModules _pending;
    private readonly CancellationTokenSource _ended = new();
    private ModuleLease? _lease;

    /// <summary>Begins with none.</summary>
    /// <param name="routeCache">Room for a prefix under the base model; owned; null where no features are needed.</param>
    /// <param name="tokenCache">Room for the token router; owned; null where it is not asked for.</param>
    /// <param name="wake">Is called when something that was waited for is there.</param>
    public SequenceWeights(SequenceCache? routeCache, SequenceCache? tokenCache, Action wake)
    {
        _pending = new PendingModules(wake);
        Prefix = routeCache is null ? null : new PrefixChooser(routeCache);
        Token = tokenCache is null ? null : new TokenChooser(tokenCache);
    }

    /// <summary>Chooses by features; null where that is not needed, or not any more.</summary>
    public PrefixChooser? Prefix { get; private set; }

    /// <summary>Chooses by the token router; null where it is not asked for.</summary>
    public TokenChooser? Token { get; }

    /// <summary>The path's weights; null: it has let go of them, or never had any.</summary>
    public PathWeights? Path { get; private set; }

    /// <inheritdoc cref="PendingModules.IsPending"/>
    public bool IsPending(ref LiveModel model, Func<LiveModel>? newest) => _pending.IsPending(ref model, newest);

    /// <summary>Asks for the base model.</summary>
    /// <param name="model">The version.</param>
    /// <param name="take">Receives it.</param>
    public void AskForBase(LiveModel model, Action<ModuleLease> take)
    {
        if (!Prefix!.HasWeightsOf(model))
        {
            Ask(model, static version => [version.Base], take);
        }
    }

    /// <summary>Asks for the token router of a window.</summary>
    /// <param name="model">The version.</param>
    /// <param name="window">The window.</param>
    /// <exception cref="DiPaCoException">The version has none.</exception>
    public void AskForTokenRouter(LiveModel model, int window)
    {
        if (!Token!.HasWeights)
        {
            GridModule router = model.TokenRouterFor(window) ?? throw new DiPaCoException("This version of the model has no token router.");
            Ask(model, _ => [router], lease => Token.Take(model, lease));
        }
    }

    /// <summary>Asks for a path.</summary>
    /// <param name="model">The version.</param>
    /// <param name="path">The path.</param>
    /// <param name="take">Is called when its weights are there, and receives them.</param>
    public void AskForPath(LiveModel model, PathId path, Action<ModuleLease> take) => Ask(model, version => version.Grid.ModulesOf(path), take);

    /// <summary>Takes a path's weights in place of those before.</summary>
    public void TakePath(LiveModel model, ModuleLease lease)
    {
        _lease?.Dispose();
        (_lease, Path) = (lease, model.WeightsOf(lease));
    }

    /// <summary>No choice by features is made any more.</summary>
    public void EndPrefix()
    {
        Prefix?.Dispose();
        Prefix = null;
    }

    /// <summary>Ends the waiting and gives everything back.</summary>
    public void Dispose()
    {
        _ended.Cancel();
        _pending.Dispose();
        _ended.Dispose();
        Prefix?.Dispose();
        Token?.Dispose();
        _lease?.Dispose();
    }

    private void Ask(LiveModel model, Func<LiveModel, ImmutableArray<GridModule>> modules, Action<ModuleLease> take) => _pending.Begin(
        model,
        version =>
        {
            if (version.TryAcquireAsync(modules(version)) is { } loading)
            {
                return loading;
            }

            Prefix?.LetGo();
            Token?.LetGo();
            _lease?.Dispose();
            (_lease, Path) = (null, null);
            return version.AcquireAsync(modules(version), _ended.Token);
        },
        take);
}
