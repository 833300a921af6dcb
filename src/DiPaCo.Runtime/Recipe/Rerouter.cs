using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Recipe;

/// <summary>The model re-routed every W tokens (paper §2.4.3, §7.2.2), by the document router and by a router of tokens.</summary>
/// <param name="session">The run.</param>
/// <param name="topology">The model.</param>
/// <param name="corpus">The corpus.</param>
/// <param name="routed">The document router and its features.</param>
internal sealed class Rerouter(RunSession session, ModelTopology topology, PreparedCorpus corpus, RoutedCorpus routed)
{
    private readonly EvaluationOptions _options = session.Config.Evaluation;

    /// <summary>One row for every router and every window that the configuration asks for.</summary>
    /// <param name="model">The model's version.</param>
    /// <param name="baseModel">The base model.</param>
    /// <param name="losses">Test losses of cells under every path.</param>
    /// <param name="training">What was trained for the model.</param>
    /// <param name="cancellationToken">Ends the evaluation.</param>
    public async Task<ImmutableArray<EvaluationRow>> EvaluateAsync(
        ServedModel model, PathInput baseModel, ImmutableArray<BlobHash> losses, TrainMetrics training, CancellationToken cancellationToken)
    {
        ImmutableArray<EvaluationRow>.Builder rows = ImmutableArray.CreateBuilder<EvaluationRow>();
        if (_options.RerouteWindows.IsEmpty)
        {
            return [];
        }

        ReroutingRouter[] routers = _options.RerouteRouter == ReroutingRouter.Both ? [ReroutingRouter.Prefix, ReroutingRouter.Token] : [_options.RerouteRouter];
        foreach (ReroutingRouter router in routers)
        {
            PathInput chooser = router == ReroutingRouter.Prefix ? baseModel : await TrainAsync(model, baseModel, cancellationToken);
            TaskResult result = await session.Tasks.RunAsync(
                new RerouteSpec(router, chooser, routed.Router, corpus.Chunks, routed.Features, losses, session.Sequences, _options.RerouteWindows),
                null, cancellationToken);
            RerouteMetrics metrics = JsonSerializer.Deserialize<RerouteMetrics>(result.Metrics, TaskJson.Options)!;
            rows.AddRange(metrics.Windows.Select(window => Row(router, window, training)));
        }

        return rows.ToImmutable();
    }

    private EvaluationRow Row(ReroutingRouter router, RerouteWindow window, TrainMetrics training) =>
        Evaluator.Row(ModelKind.Rerouted, topology, session.Config.Topology, training, window.Scored) with
        {
            Model = ModelNames.Rerouted(router, window.Window, session.Config.Topology),
            SwitchShare = window.SwitchShare,
        };

    /// <summary>Scores the documents kept for routers, token by token under every path, and trains the token router on what is best.</summary>
    private async Task<PathInput> TrainAsync(ServedModel model, PathInput baseModel, CancellationToken cancellationToken)
    {
        RunConfig config = session.Config;
        session.Note($"Scoring the router split under every path, then training the token router for {_options.TokenRouterSteps:N0} steps.");
        PathScorer scorer = new(topology, spec => session.Tasks.RunAsync(spec, null, cancellationToken));
        ImmutableArray<BlobHash> losses = await scorer.RunAsync(
            path => model.PathOf(path, config.Transformer.Compute),
            new ScoreSpec([], corpus.Chunks, corpus.Tokenizer, Split.Router, HeldOutRank.All, session.Sequences, Cell: 1));
        TokenRouterSpec spec = new()
        {
            Base = baseModel,
            Paths = topology.Paths.Length,
            Losses = losses,
            Chunks = corpus.Chunks,
            Sequences = session.Sequences,
            BatchSequences = config.Recipe.BatchSequences,
            Schedule = new LearningRateSchedule(config.Inner.LearningRate, 0, _options.TokenRouterSteps, config.Inner.FinalShare),
            AdamW = session.AdamW,
            Horizon = _options.TokenRouterHorizon,
            Seed = config.Seed,
        };
        TaskResult trained = await session.Tasks.RunAsync(spec, null, cancellationToken);
        return spec.ModelOf(trained[TokenRouterSpec.Output]);
    }
}
