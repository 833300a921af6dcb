using System.Collections.Immutable;
using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Core.Planning;
using DiPaCo.Data;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Recipe;

/// <summary>Scores the documents kept for routers, token by token under every path, and trains the token routers on what is best (paper §7.2.2).</summary>
/// <param name="session">The run.</param>
/// <param name="topology">The model.</param>
/// <param name="corpus">The corpus.</param>
/// <param name="evaluator">Chooses the documents.</param>
internal sealed class TokenRouterTrainer(RunSession session, ModelTopology topology, PreparedCorpus corpus, Evaluator evaluator)
{
    /// <summary>Trains them, or remembers them.</summary>
    /// <param name="model">The model that they route for.</param>
    /// <param name="baseModel">The base model, from which they start.</param>
    /// <param name="cancellationToken">Ends the training; finished tasks are kept.</param>
    /// <returns>One router, or one for every window; none where the configuration asks for none.</returns>
    public async Task<ImmutableArray<TrainedTokenRouter>> TrainAsync(ServedModel model, PathInput baseModel, CancellationToken cancellationToken)
    {
        RunConfig config = session.Config;
        if (!config.Evaluation.UsesTokenRouter())
        {
            return [];
        }

        session.Note($"Scoring the router split under every path, then training {Counted(config.Evaluation.TokenRouters().Count())} for {config.Evaluation.TokenRouterSteps:N0} steps.");
        ulong lastRank = await evaluator.LastRankAsync(Split.Router, config.Evaluation.MaxTokenRouterDocuments, cancellationToken);
        PathScorer scorer = new(topology, session.Tasks.IsParallel, (spec, token) => session.Tasks.RunAsync(spec, null, token));
        ImmutableArray<BlobHash> losses = await RunSession.NamedAsync("Scoring of the router split under every path", () => scorer.RunAsync(
            path => model.PathOf(path, config.Transformer.Compute),
            new ScoreSpec([], corpus.Chunks, corpus.Tokenizer, Split.Router, lastRank, session.Sequences, Cell: 1),
            cancellationToken));
        return await session.ForEachAsync(
            [.. config.Evaluation.TokenRouters()],
            async (router, token) =>
            {
                TokenRouterSpec spec = SpecOf(baseModel, losses, router.Horizon);
                TaskResult trained = await RunSession.NamedAsync("Training of the token router", () => session.Tasks.RunAsync(spec, null, token));
                return new TrainedTokenRouter(trained[TokenRouterSpec.Output], router.Windows, scorer.Flops + TaskFlops.Of(trained));
            },
            cancellationToken);
    }

    private static string Counted(int routers) => routers == 1 ? "the token router" : string.Create(CultureInfo.InvariantCulture, $"{routers} token routers");

    /// <summary>Like a path it starts from the base model, so with the peak that the paths have after the fork, but without a warm-up (paper §7.2.2).</summary>
    private TokenRouterSpec SpecOf(PathInput baseModel, ImmutableArray<BlobHash> losses, int horizon)
    {
        RunConfig config = session.Config;
        return new TokenRouterSpec
        {
            Base = baseModel,
            Paths = topology.Paths.Length,
            Losses = losses,
            Chunks = corpus.Chunks,
            Sequences = session.Sequences,
            BatchSequences = config.Recipe.BatchSequences,
            Schedule = new LearningRateSchedule(PhasePlan.Of(config).First.LearningRate, 0, config.Evaluation.TokenRouterSteps, config.Inner.FinalShare),
            AdamW = session.AdamW,
            Horizon = horizon,
            Seed = config.Seed,
        };
    }
}
