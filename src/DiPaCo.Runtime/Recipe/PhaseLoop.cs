using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Core.Planning;
using DiPaCo.Data;
using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>All phases of a run (paper Algorithm 1, the outer loop): train, look at the validation documents, and at the configured phases shard anew.</summary>
/// <param name="session">The run.</param>
/// <param name="topology">The model.</param>
/// <param name="corpus">The corpus.</param>
/// <param name="sharder">Makes the shards of discriminative rounds.</param>
/// <param name="retention">Lets go of what nothing ahead will read.</param>
internal sealed class PhaseLoop(RunSession session, ModelTopology topology, PreparedCorpus corpus, Sharder sharder, Retention retention)
{
    private readonly RunConfig _config = session.Config;
    private readonly SegmentRunner _segments = new(session, topology);
    private readonly DiscriminativeRound _round = new(session, topology, corpus, sharder);
    private readonly StoppingCheck _stopping = new(session, topology, corpus);
    private readonly SynchronousTrainer _synchronous = new(session, topology);

    /// <summary>Trains from the fork to the end.</summary>
    /// <param name="fork">The model after the fork.</param>
    /// <param name="before">What was trained for it: the base model.</param>
    /// <param name="routed">The first shards.</param>
    /// <param name="origins">Blobs that must stay whatever happens.</param>
    /// <param name="write">Writes down the model after the newest phase that has ended, and is told whether it has not done so yet.</param>
    /// <param name="cancellationToken">Ends the training after the current step; finished tasks are kept.</param>
    public Task<PhaseLog> RunAsync(
        ModelVersion fork, TrainMetrics before, RoutedCorpus routed, ImmutableArray<BlobHash> origins, Action<PhaseLog, bool> write,
        CancellationToken cancellationToken)
    {
        RecipeOptions recipe = _config.Recipe;
        return session.StageAsync(Stage.Phases, StepCounts.Of(_config, topology.Paths.Length).Paths, "steps", async () =>
        {
            PhaseLog log = new(topology, fork, before, routed, recipe);
            foreach (Segment segment in _segments.SegmentsFrom(fork.Phase))
            {
                RoutedCorpus shards = log.Routed;
                Task EndAsync(PhaseOutcome outcome, CancellationToken token) => EndPhaseAsync(log, outcome, origins, write, token);
                if (recipe.Training == TrainingMode.Synchronous)
                {
                    for (Phase phase = segment.First; segment.Contains(phase); phase = phase.Next)
                    {
                        await EndAsync(await _synchronous.RunAsync(log.Model, shards, cancellationToken), cancellationToken);
                    }
                }
                else
                {
                    await _segments.RunAsync(segment, log.Model, shards, EndAsync, cancellationToken);
                }
            }

            return (log, $"{recipe.Phases} phases, {log.Training.Tokens:N0} tokens");
        });
    }

    /// <summary>What follows when a phase has ended for all paths and modules; later phases may be under way.</summary>
    private async Task EndPhaseAsync(
        PhaseLog log, PhaseOutcome outcome, ImmutableArray<BlobHash> origins, Action<PhaseLog, bool> write, CancellationToken cancellationToken)
    {
        Phase phase = log.Model.Phase;
        bool looks = LooksAfter(outcome.Model.Phase);
        log.Add(outcome, looks ? await ValidateAsync(outcome.Model, log.Routed, cancellationToken) : null);
        if (looks && _config.Recipe.EarlyStopping)
        {
            await _stopping.LookAsync(log.Model, log.Routed, log.Stopping, cancellationToken);
        }

        if (_config.Discriminative.AfterPhases.Contains(log.Model.Phase.Value))
        {
            log.Reshard(await _round.RunAsync(log.Newest, log.Routed, cancellationToken));
        }

        string moment = Retention.EndOf(phase);
        if (!retention.IsPast(Retention.EndOf(log.Model.Phase)))
        {
            write(log, !retention.IsPast(moment));
        }

        await retention.ReleaseAsync(
            moment, [.. origins, .. log.Kept, .. log.KeptForStopping], cancellationToken, log.Served.Digest, outcome.Consumed,
            key => !session.Tasks.IsAsked(key) || _segments.IsAhead(key, phase));
        session.Observe(new PhaseFinished(
            phase, _config.Recipe.Phases, outcome.Training.LossSum / outcome.Training.Steps, log.ValidationOf(phase), outcome.Ledger));
    }

    /// <summary>Whether validation documents are looked at after so many phases; after the last one always.</summary>
    private bool LooksAfter(Phase done)
    {
        int every = _config.Evaluation.EveryPhases;
        return every > 0 && (done.Value % every == 0 || done.Value == _config.Recipe.Phases);
    }

    private Task<IReadOnlyDictionary<PathId, EvaluationMetrics>> ValidateAsync(ModelVersion model, RoutedCorpus routed, CancellationToken cancellationToken) =>
        new Evaluator(session, topology, routed, corpus).RoutedAsync(
            new ServedModel(topology, model, ImmutableSortedDictionary<PathId, ModelVersion>.Empty), Split.Validation, _config.Evaluation.MaxValidationDocuments, cancellationToken);
}
