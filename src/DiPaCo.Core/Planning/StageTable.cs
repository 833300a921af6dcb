using System.Collections.Immutable;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Core.Planning;

/// <summary>Writes the table of stages.</summary>
internal sealed class StageTable(RunConfig config, TransformerShape shape, StepCounts steps, PlanAssumptions assumptions)
{
    private readonly int _sequence = config.Transformer.SequenceLength;

    /// <summary>The stages in order; those that the run does not have are left out.</summary>
    /// <param name="paths">Paths of the topology.</param>
    /// <param name="rounds">Tasks that the busiest worker computes in one phase.</param>
    public ImmutableArray<PlannedStage> Write(int paths, int rounds)
    {
        PlannedStage[] stages =
        [
            Training("base model", steps.Base, steps.Base),
            Forward("routing features", FeatureTokens(), config.Routing.PrefixTokens),
            Training("phases", steps.Paths, steps.Path * rounds),
            Training("dense at equal steps", steps.DenseEqualSteps, steps.DenseEqualSteps),
            Training("dense at equal FLOPs", steps.DenseEqualFlops, steps.DenseEqualFlops),
            Forward("evaluation", EvaluationTokens(), _sequence),
        ];
        return [.. stages.Where(stage => stage.Tokens > 0)];
    }

    /// <param name="name">What is trained.</param>
    /// <param name="count">Steps that are made.</param>
    /// <param name="inSequence">Steps that are made one after the other: what the time follows.</param>
    private PlannedStage Training(string name, long count, long inSequence)
    {
        long tokensPerStep = (long)config.Recipe.BatchSequences * _sequence;
        double flopsPerStep = tokensPerStep * shape.TrainingFlopsPerToken(_sequence);
        return new PlannedStage(name, count, count * tokensPerStep, count * flopsPerStep, inSequence * flopsPerStep / assumptions.FlopsPerSecond);
    }

    private PlannedStage Forward(string name, long tokens, int length)
    {
        double flops = tokens * shape.ForwardFlopsPerToken(length);
        return new PlannedStage(name, 0, tokens, flops, flops / assumptions.FlopsPerSecond);
    }

    private long FeatureTokens() => config.Routing.Method.UsesFeatures()
        ? (assumptions.CorpusDocuments ?? 0) * config.Routing.PrefixTokens
        : 0;

    /// <summary>Validation of the routed model at its phases, and the test split once under the routed, the base and every dense model.</summary>
    private long EvaluationTokens()
    {
        EvaluationOptions evaluation = config.Evaluation;
        int evaluations = evaluation.EveryPhases == 0 ? 0 : config.Recipe.Phases / evaluation.EveryPhases;
        int models = 2 + (evaluation.DenseEqualSteps ? 1 : 0) + (evaluation.DenseEqualFlops ? 1 : 0);
        return (evaluations * Split(config.Data.ValidationShare, evaluation.MaxValidationDocuments))
            + (models * Split(config.Data.TestShare, evaluation.MaxDocuments));
    }

    /// <summary>Tokens of a split: its share of the corpus, or as many documents of one sequence as are scored at most. 0 where neither is known.</summary>
    private long Split(double share, int maxDocuments)
    {
        long? all = assumptions.CorpusTokens is long tokens ? (long)(share * tokens) : null;
        long? most = maxDocuments > 0 ? (long)maxDocuments * _sequence : null;
        return Math.Min(all ?? most ?? 0, most ?? all ?? 0);
    }
}
