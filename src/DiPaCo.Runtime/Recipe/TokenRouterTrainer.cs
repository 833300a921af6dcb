using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Recipe;

/// <summary>Scores the documents kept for routers, token by token under every path, and trains the token router on what is best (paper §7.2.2).</summary>
/// <param name="session">The run.</param>
/// <param name="topology">The model.</param>
/// <param name="corpus">The corpus.</param>
internal sealed class TokenRouterTrainer(RunSession session, ModelTopology topology, PreparedCorpus corpus)
{
    /// <summary>Trains it, or remembers it.</summary>
    /// <param name="model">The model that it routes for.</param>
    /// <param name="baseModel">The base model, from which it starts.</param>
    /// <param name="cancellationToken">Ends the training; finished tasks are kept.</param>
    /// <returns>The router; null where the configuration asks for none.</returns>
    public async Task<TrainedTokenRouter?> TrainAsync(ServedModel model, PathInput baseModel, CancellationToken cancellationToken)
    {
        RunConfig config = session.Config;
        if (!config.Evaluation.UsesTokenRouter())
        {
            return null;
        }

        session.Note($"Scoring the router split under every path, then training the token router for {config.Evaluation.TokenRouterSteps:N0} steps.");
        PathScorer scorer = new(topology, session.Tasks.IsParallel, (spec, token) => session.Tasks.RunAsync(spec, null, token));
        ImmutableArray<BlobHash> losses = await scorer.RunAsync(
            path => model.PathOf(path, config.Transformer.Compute),
            new ScoreSpec([], corpus.Chunks, corpus.Tokenizer, Split.Router, HeldOutRank.All, session.Sequences, Cell: 1),
            cancellationToken);
        TokenRouterSpec spec = new()
        {
            Base = baseModel,
            Paths = topology.Paths.Length,
            Losses = losses,
            Chunks = corpus.Chunks,
            Sequences = session.Sequences,
            BatchSequences = config.Recipe.BatchSequences,
            Schedule = new LearningRateSchedule(config.Inner.LearningRate, 0, config.Evaluation.TokenRouterSteps, config.Inner.FinalShare),
            AdamW = session.AdamW,
            Horizon = config.Evaluation.TokenRouterHorizon,
            Seed = config.Seed,
        };
        TaskResult trained = await RunSession.NamedAsync("the token router", () => session.Tasks.RunAsync(spec, null, cancellationToken));
        return new TrainedTokenRouter(trained[TokenRouterSpec.Output], scorer.Flops + TaskFlops.Of(trained));
    }
}
