using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>
/// The model re-routed every W tokens (paper §2.4.3, §7.2.2), by the document router and by a router of tokens. A run does it with the
/// router that it has just trained, <c>eval</c> with the one that the run has kept: the tasks are the same.
/// </summary>
/// <param name="config">The run's configuration.</param>
/// <param name="topology">The model.</param>
/// <param name="run">Runs or remembers a task.</param>
internal sealed class Rerouter(RunConfig config, ModelTopology topology, Func<RerouteSpec, Task<TaskResult>> run)
{
    private readonly EvaluationOptions _options = config.Evaluation;

    /// <summary>One row for every router and every window that the configuration asks for.</summary>
    /// <param name="text">The text, scored in cells of <see cref="EvaluationOptions.RerouteCell"/> tokens.</param>
    /// <param name="baseModel">The base model.</param>
    /// <param name="tokenRouters">The token routers, each for windows of its own; none: they get no rows.</param>
    /// <param name="cost">What the model took to make, without the token routers.</param>
    public async Task<ImmutableArray<EvaluationRow>> EvaluateAsync(
        ScoredText text, PathInput baseModel, ImmutableArray<TrainedTokenRouter> tokenRouters, TrainingCost cost)
    {
        ImmutableArray<EvaluationRow>.Builder rows = ImmutableArray.CreateBuilder<EvaluationRow>();
        foreach (ReroutingRouter router in _options.ReroutingRouters().Remove(ReroutingRouter.Token))
        {
            rows.AddRange(await RowsAsync(router, baseModel, _options.RerouteWindows, text, cost));
        }

        foreach (TrainedTokenRouter router in _options.UsesTokenRouter() ? tokenRouters : [])
        {
            PathInput model = TokenRouterSpec.ModelOf(baseModel, topology.Paths.Length, router.Blob);
            rows.AddRange(await RowsAsync(ReroutingRouter.Token, model, router.Windows, text, cost.WithRouter(router.Flops)));
        }

        return rows.ToImmutable();
    }

    private async Task<IEnumerable<EvaluationRow>> RowsAsync(
        ReroutingRouter router, PathInput chooser, ImmutableArray<int> windows, ScoredText text, TrainingCost cost)
    {
        TaskResult result = await run(
            new RerouteSpec(router, chooser, text.Router, text.Chunks, text.Features, text.Losses, text.Sequences, windows));
        RerouteMetrics metrics = JsonSerializer.Deserialize<RerouteMetrics>(result.Metrics, TaskJson.Options)!;
        return metrics.Windows.Select(window => Evaluator.Row(ModelKind.Rerouted, topology, config.Topology, cost, window.Scored) with
        {
            Model = ModelNames.Rerouted(router, window.Window, config.Topology),
            SwitchShare = window.SwitchShare,
        });
    }
}
