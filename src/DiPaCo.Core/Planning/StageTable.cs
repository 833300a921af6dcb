using System.Collections.Immutable;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Core.Planning;

/// <summary>Writes the table of stages.</summary>
internal sealed class StageTable(RunConfig config, TransformerShape shape, StepCounts steps, PlannedCorpus corpus, double? flopsPerSecond)
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
            Forward("evaluation", EvaluationTokens(paths), _sequence),
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
        return new PlannedStage(name, count, count * tokensPerStep, count * flopsPerStep, inSequence * flopsPerStep / flopsPerSecond);
    }

    private PlannedStage Forward(string name, long tokens, int length)
    {
        double flops = tokens * shape.ForwardFlopsPerToken(length);
        return new PlannedStage(name, 0, tokens, flops, flops / flopsPerSecond);
    }

    private long FeatureTokens() => config.Routing.Method.UsesFeatures() ? corpus.Documents * config.Routing.PrefixTokens : 0;

    /// <summary>Validation of the routed model after its phases, and the test split once under the routed, the base and every dense model, and under all paths where bounds or re-routing are wanted.</summary>
    private long EvaluationTokens(int paths)
    {
        EvaluationOptions evaluation = config.Evaluation;
        int phases = config.Recipe.Phases;

        // The last phase is validated whatever the rhythm.
        int validations = evaluation.EveryPhases == 0 ? 0 : (phases + evaluation.EveryPhases - 1) / evaluation.EveryPhases;
        int models = 2 + (evaluation.RouterBounds || !evaluation.RerouteWindows.IsEmpty ? paths : 0) + (steps.DenseEqualSteps > 0 ? 1 : 0) + (steps.DenseEqualFlops > 0 ? 1 : 0);
        double documents = (validations * Scored(config.Data.ValidationShare, evaluation.MaxValidationDocuments))
            + (models * Scored(config.Data.TestShare, evaluation.MaxDocuments));
        return (long)Math.Round(documents * corpus.SequencesPerDocument * _sequence);
    }

    /// <summary>Documents of a split that are scored under one model.</summary>
    private double Scored(double share, int most)
    {
        double all = share * corpus.Documents;
        return most == 0 ? all : Math.Min(all, most);
    }
}
