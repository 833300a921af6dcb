using System.Collections.Immutable;
using System.Globalization;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Core.Planning;

/// <summary>Writes the table of stages.</summary>
internal sealed class StageTable(RunConfig config, ModelTopology topology, StepCounts steps, PlannedCorpus corpus, double? flopsPerSecond)
{
    private readonly int _sequence = config.Transformer.SequenceLength;
    private readonly int _tested = config.Evaluation.SequenceLength ?? config.Transformer.SequenceLength;
    private readonly TransformerShape _shape = topology.Shape;
    private readonly EvaluationOptions _evaluation = config.Evaluation;
    private readonly Dictionary<int, PathTreeCounts> _trees = [];

    /// <summary>The stages in order; those that the run does not have are left out.</summary>
    /// <param name="rounds">Tasks that the busiest worker computes in one phase.</param>
    public ImmutableArray<PlannedStage> Write(int rounds)
    {
        double router = Scored(config.Data.RouterShare, _evaluation.MaxTokenRouterDocuments);
        double tested = Scored(config.Data.TestShare, _evaluation.MaxDocuments);
        bool byToken = _evaluation.UsesTokenRouter();
        ImmutableArray<ReroutingRouter> byFeatures = config.Routing.Method.UsesFeatures() ? _evaluation.ReroutingRouters().Remove(ReroutingRouter.Token) : [];
        bool byPrefix = byFeatures.Contains(ReroutingRouter.Prefix);
        int passes = byFeatures.Length - (byPrefix ? 1 : 0);
        PlannedStage[] stages =
        [
            Training("base model", _shape, steps.Base, steps.Base),
            Features("routing features", FeatureTokens(), config.Routing.PrefixTokens) with { Work = PlannedWork.Routing },
            Training("phases", _shape, steps.Paths, PhasePlan.Of(config).Steps * rounds),
            UnderEveryPath(
                "discriminative rounds", Scored(config.Data.RouterShare, config.Discriminative.MaxDocuments), 0, config.Discriminative.AfterPhases.Length, _sequence,
                config.Discriminative.Candidates is 0 || config.Discriminative.Candidates >= topology.Paths.Length ? "discriminative.max_documents" : null)
                with { Work = PlannedWork.Routing },
            Training("dense at equal steps", _shape, steps.DenseEqualSteps, steps.DenseEqualSteps),
            Training("dense at equal FLOPs", _shape, steps.DenseEqualFlops, steps.DenseEqualFlops),
            Evaluation(tested),
            UnderEveryPath("test split under every path", _evaluation.ScoresEveryPath() ? tested : 0, _evaluation.LossCell(), 1, _tested, "evaluation.max_documents"),
            UnderEveryPath("router split under every path", byToken ? router : 0, 1, 1, _sequence, "evaluation.max_token_router_documents") with { Work = PlannedWork.Routing },
            Training("token router", RouterShape, TokenRouterSteps, TokenRouterSteps)
                with { Work = PlannedWork.Routing },
            Features("re-routing by the prefix router", byPrefix ? PrefixRouterTokens(tested) : 0, config.Routing.PrefixTokens),
            Features("re-routing by the document router", passes * TokensOf(tested, _tested), _tested),
            Forward("re-routing by the token router", RouterShape, byToken ? TokensOf(tested, _tested) : 0, _tested),
        ];
        return [.. stages.Where(stage => stage.Tokens > 0)];
    }

    /// <summary>The token router's transformer: the base model's with one output a path.</summary>
    private TransformerShape RouterShape => _shape with { TiedEmbedding = false, Outputs = topology.Paths.Length };

    private long TokenRouterSteps => (long)_evaluation.TokenRouters().Count() * _evaluation.TokenRouterSteps;

    /// <param name="name">What is trained.</param>
    /// <param name="shape">Its transformer.</param>
    /// <param name="count">Steps that are made.</param>
    /// <param name="inSequence">Steps that are made one after the other: what the time follows.</param>
    private PlannedStage Training(string name, TransformerShape shape, long count, long inSequence)
    {
        long tokensPerStep = (long)config.Recipe.BatchSequences * _sequence;
        double flopsPerStep = tokensPerStep * shape.TrainingFlopsPerToken(_sequence);
        return new PlannedStage(name, count, count * tokensPerStep, count * flopsPerStep, inSequence * flopsPerStep / flopsPerSecond);
    }

    /// <summary>Passes of the base model that end before the head.</summary>
    private PlannedStage Features(string name, long tokens, int length)
    {
        double flops = tokens * _shape.FeatureFlopsPerToken(length);
        return Measuring(name, tokens, flops);
    }

    private PlannedStage Forward(string name, TransformerShape shape, long tokens, int length)
    {
        double flops = tokens * shape.ForwardFlopsPerToken(length);
        return Measuring(name, tokens, flops);
    }

    private PlannedStage Measuring(string name, long tokens, double flops) =>
        new(name, 0, tokens, flops, flops / flopsPerSecond) { Work = PlannedWork.Evaluation };

    /// <summary>Documents scored under every path, the paths as a tree, some times over.</summary>
    /// <param name="name">What it is for.</param>
    /// <param name="documents">Documents that are scored each time.</param>
    /// <param name="cell">Tokens of a cell of losses; 0: whole documents.</param>
    /// <param name="times">How often; each time lets go of the losses of the time before.</param>
    /// <param name="length">Positions of a sequence.</param>
    /// <param name="key">What limits the documents; null where not every path scores each of them.</param>
    private PlannedStage UnderEveryPath(string name, double documents, int cell, int times, int length, string? key)
    {
        long tokens = times * TokensOf(documents, length);
        if (tokens == 0)
        {
            // The tree of tens of thousands of paths takes seconds.
            return Measuring(name, 0, 0);
        }

        PathTreeCounts tree = TreeOf(length);
        double flops = tokens * tree.FlopsPerToken;

        // One number for the prefix and one for every cell, of four bytes each, for every path.
        double each = (1 + (cell == 0 ? 1 : CellsOf(cell))) * topology.Paths.Length;
        double losses = documents * each;
        return Measuring(name, tokens * topology.Paths.Length, flops) with
        {
            ModuleEvaluations = tree.ModuleEvaluations,
            LossBytes = losses * sizeof(float),
            LossProblem = key is null || losses <= EvaluationOptions.MostLosses ? null : string.Create(
                CultureInfo.InvariantCulture,
                $"about {losses:N0} losses of {documents:N0} documents under {topology.Paths.Length:N0} paths are too many, {EvaluationOptions.MostLosses:N0} are possible: training would be refused. Expected {key} of about {Math.Floor(EvaluationOptions.MostLosses / each):N0}, or fewer paths (topology)."),
        };
    }

    private PathTreeCounts TreeOf(int length)
    {
        if (!_trees.TryGetValue(length, out PathTreeCounts? tree))
        {
            _trees[length] = tree = PathTreeCounts.Of(topology, length);
        }

        return tree;
    }

    /// <summary>
    /// Positions that evaluation computes for so many documents. What the corpus has in sequences as long as those of training, sequences of
    /// another length have with fewer or more prefixes.
    /// </summary>
    private long TokensOf(double documents, int length)
    {
        int prefix = config.Routing.PrefixTokens;
        double others = length == _sequence ? 1 : (double)length / (length - prefix) * (_sequence - prefix) / _sequence;
        return (long)Math.Round(documents * corpus.SequencesPerDocument * _sequence * others);
    }

    /// <summary>Cells that a document of mean length has behind its prefix.</summary>
    private double CellsOf(int cell) => Math.Max(1, Math.Ceiling((((double)corpus.Tokens / corpus.Documents) - config.Routing.PrefixTokens) / cell));

    /// <summary>A document's first cell goes where its prefix points; for every further one a text as long as a prefix is looked at.</summary>
    private long PrefixRouterTokens(double documents) =>
        (long)Math.Round(documents * (CellsOf(EvaluationOptions.RerouteCell) - 1) * config.Routing.PrefixTokens);

    private long FeatureTokens() => config.Routing.Method.UsesFeatures() ? corpus.Documents * config.Routing.PrefixTokens : 0;

    /// <summary>Validation of the routed model after its phases, under early stopping that of each path on its own documents too, and the test split once under the routed, the base and every dense model.</summary>
    private PlannedStage Evaluation(double tested)
    {
        int phases = config.Recipe.Phases;

        // The last phase is validated whatever the rhythm.
        int validations = _evaluation.EveryPhases == 0 ? 0 : (phases + _evaluation.EveryPhases - 1) / _evaluation.EveryPhases;
        int models = 2 + (steps.DenseEqualSteps > 0 ? 1 : 0) + (steps.DenseEqualFlops > 0 ? 1 : 0);
        long most = (long)_evaluation.MaxStoppingDocumentsPerPath * topology.Paths.Length;
        double stopping = config.Recipe.EarlyStopping ? Scored(config.Data.ValidationShare, most) : 0;
        PlannedStage validation = Forward("evaluation", _shape, TokensOf(validations * (Scored(config.Data.ValidationShare, _evaluation.MaxValidationDocuments) + stopping), _sequence), _sequence);
        PlannedStage test = Forward(validation.Name, _shape, TokensOf(models * tested, _tested), _tested);
        return Measuring(validation.Name, validation.Tokens + test.Tokens, validation.Flops + test.Flops);
    }

    /// <summary>Documents of a split that are scored under one model.</summary>
    private double Scored(double share, long most)
    {
        double all = share * corpus.Documents;
        return most == 0 ? all : Math.Min(all, most);
    }
}
