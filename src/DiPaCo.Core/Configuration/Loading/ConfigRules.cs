using System.Globalization;

namespace DiPaCo.Core.Configuration;

/// <summary>Rules between keys. Each names the keys that it is about, and is silent where one of them is wrong already.</summary>
internal sealed class ConfigRules(ConfigReading reading)
{
    /// <summary>Steps are counted in 32 bits: those of the base model, at most 100 million, may come on top.</summary>
    private const long MostSteps = 1_000_000_000;

    /// <summary>Checks all rules.</summary>
    public void Check(RunConfig config)
    {
        CheckTokenizer(config.Tokenizer);
        CheckBaseModel(config);
        CheckTransformer(config.Transformer, config.Routing);
        CheckTopology(config.Topology);
        CheckOverlap(config.Routing, config.Topology);
        CheckShares(config.Data);
        CheckRecipe(config.Recipe, config.Inner);
        CheckTokens(config);
        CheckElements(config);
        CheckBaselines(config);
        CheckDiscriminative(config);
        CheckEvaluation(config.Evaluation, config.Routing);
        CheckRerouting(config.Evaluation, config.Data);
    }

    private void CheckTokenizer(TokenizerOptions tokenizer)
    {
        foreach (string key in (ReadOnlySpan<string>)["tokenizer.vocabulary", "tokenizer.training_bytes"])
        {
            Require(
                tokenizer.File is null || !reading.IsStated(key), [key, "tokenizer.file"],
                "this is about a trained tokenizer, but tokenizer.file names an existing one; expected only one of the two.");
        }
    }

    /// <summary>The rows of a checkpoint's embedding are the tokens of its own tokenizer.</summary>
    private void CheckBaseModel(RunConfig config) => Require(
        config.Recipe.BaseModel is null || config.Tokenizer.File is not null, ["recipe.base_model", "tokenizer.file"],
        "the parameters of a checkpoint belong to its tokenizer; expected that as tokenizer.file, for example the tokenizer.json in the same folder.");

    private void CheckTransformer(TransformerOptions transformer, RoutingOptions routing)
    {
        Require(
            transformer.Heads % transformer.KeyValueHeads == 0, ["transformer.key_value_heads", "transformer.heads"],
            $"{transformer.KeyValueHeads} key and value heads do not divide {transformer.Heads} heads; expected {DivisorsOf(transformer.Heads)}.");
        Require(
            routing.PrefixTokens < transformer.SequenceLength, ["routing.prefix_tokens", "transformer.sequence_length"],
            $"a prefix of {routing.PrefixTokens:N0} tokens leaves nothing of a sequence of {transformer.SequenceLength:N0}; expected less than transformer.sequence_length.");
    }

    private void CheckEvaluation(EvaluationOptions evaluation, RoutingOptions routing) => Require(
        evaluation.SequenceLength is not { } length || routing.PrefixTokens < length, ["evaluation.sequence_length", "routing.prefix_tokens"],
        $"a prefix of {routing.PrefixTokens:N0} tokens leaves nothing of a sequence of {evaluation.SequenceLength:N0} to score; expected more than routing.prefix_tokens.");

    private static string DivisorsOf(int number)
    {
        IEnumerable<string> divisors = Enumerable.Range(1, number).Where(divisor => number % divisor == 0).Select(divisor => NumberText.Of((long)divisor));
        return $"one of: {string.Join(", ", divisors)}";
    }

    private void CheckTopology(TopologyOptions topology)
    {
        const int mostBlocks = 4_096;
        int blocks = topology.Levels.Sum(level => level.Blocks);
        Require(blocks <= mostBlocks, ["topology.levels"], $"the levels have {blocks:N0} blocks, expected at most {mostBlocks:N0}.");

        // A grid may be larger than the paths that are taken from it, but its paths need numbers.
        double products = topology.Levels.Aggregate(1.0, (product, level) => product * level.Experts) * topology.Replicas;
        bool all = topology.Paths.IsEmpty;
        double limit = all ? TopologySection.MostPaths : int.MaxValue;
        Require(
            products <= limit, ["topology.levels", "topology.replicas"],
            $"the product of all experts{(topology.Replicas > 1 ? " and replicas" : "")} is {products:N0} paths, expected at most {limit:N0}{(all ? "; list some under topology.paths" : "")}.");
        long chosen = (long)topology.Paths.Length * topology.Replicas;
        Require(
            chosen <= TopologySection.MostPaths, ["topology.replicas", "topology.paths"],
            $"{topology.Paths.Length:N0} choices with {topology.Replicas:N0} replicas are {chosen:N0} paths, expected at most {TopologySection.MostPaths:N0}.");
    }

    private void CheckOverlap(RoutingOptions routing, TopologyOptions topology)
    {
        double paths = PathsOf(topology);
        Require(
            routing.Overlap <= paths, ["routing.overlap", "topology.levels", "topology.replicas", "topology.paths"],
            $"each document in {routing.Overlap:N0} shards needs as many paths; expected at most {paths:N0}, the paths of the topology.");
    }

    private void CheckShares(DataOptions data)
    {
        double kept = data.ValidationShare + data.TestShare + data.RouterShare;
        Require(
            kept < 1, ["data.test_share", "data.validation_share", "data.router_share"],
            $"validation, test and router share add up to {NumberText.Of(Math.Round(kept, 6))}, so nothing is left to train on; expected less than 1.");
        Require(
            data.Paths.Length < 2 || !data.Paths.Contains(DataOptions.Demo), ["data.paths"],
            "'demo' is among others; expected 'demo' alone, or './demo' for a folder of that name.");
    }

    private void CheckRecipe(RecipeOptions recipe, InnerOptimizerOptions inner)
    {
        long steps = StepsOf(recipe);
        Require(
            steps <= MostSteps, ["recipe.phases", "recipe.inner_steps"],
            $"{recipe.Phases:N0} phases of {recipe.InnerSteps:N0} steps are {steps:N0} steps, expected at most {MostSteps:N0}.");
        Require(
            recipe.MicroBatchSequences <= recipe.BatchSequences, ["recipe.micro_batch_sequences", "recipe.batch_sequences"],
            $"{recipe.MicroBatchSequences:N0} sequences at once are more than the batch of {recipe.BatchSequences:N0}; expected at most recipe.batch_sequences.");
        Require(
            inner.BaseWarmupSteps <= recipe.BaseSteps, ["inner.base_warmup_steps", "recipe.base_steps"],
            $"a warm-up of {inner.BaseWarmupSteps:N0} steps is longer than the {recipe.BaseSteps:N0} steps of recipe.base_steps; expected at most those.");
        Require(
            recipe.Stages.IsEmpty || recipe.Phases == recipe.Stages.Sum(stage => (long)stage.Phases), ["recipe.phases", "recipe.stages"],
            $"the stages have {recipe.Stages.Sum(stage => (long)stage.Phases):N0} phases and recipe.phases says {recipe.Phases:N0}; expected the same, or no recipe.phases.");
        Require(
            recipe.Stages.IsEmpty || recipe.InnerSteps == recipe.Stages[0].InnerSteps, ["recipe.inner_steps", "recipe.stages"],
            $"the first stage has {(recipe.Stages.IsEmpty ? 0 : recipe.Stages[0].InnerSteps):N0} steps a phase and recipe.inner_steps says {recipe.InnerSteps:N0}; expected the same, or no recipe.inner_steps.");
        Require(
            recipe.Training == TrainingMode.Phases || recipe.PathsPerPhase == 0, ["recipe.paths_per_phase", "recipe.training"],
            "in synchronous training all paths take part in every step; expected 0, or no recipe.paths_per_phase.");
        Require(
            !recipe.Stages.IsEmpty || inner.WarmupSteps <= steps, ["inner.warmup_steps", "recipe.inner_steps", "recipe.phases"],
            $"a warm-up of {inner.WarmupSteps:N0} steps is longer than the {steps:N0} steps of recipe.phases × recipe.inner_steps; expected at most those.");
    }

    /// <summary>A batch is one array, and tokens are counted in 64 bits.</summary>
    private void CheckTokens(RunConfig config)
    {
        const long mostTokens = 1L << 28;
        const double mostInAll = 1e18;
        (RecipeOptions recipe, int length) = (config.Recipe, config.Transformer.SequenceLength);
        long tokens = (long)recipe.BatchSequences * length;
        Require(
            tokens <= mostTokens, ["recipe.batch_sequences", "transformer.sequence_length"],
            $"a step of {recipe.BatchSequences:N0} sequences of {length:N0} tokens has {tokens:N0} tokens, expected at most {mostTokens:N0}.");
        double paths = PathsOf(config.Topology);
        double all = tokens * paths * StepsOf(recipe);
        Require(
            all <= mostInAll,
            ["recipe.phases", "recipe.inner_steps", "recipe.batch_sequences", "transformer.sequence_length", "topology.levels", "topology.replicas", "topology.paths"],
            $"{StepsOf(recipe):N0} steps of {paths:N0} paths and {tokens:N0} tokens are {all:G3} tokens, expected at most {mostInAll:G3}.");
    }

    /// <summary>A module is one array, and so are the router's centroids. How many entries a tokenizer's file has is not known yet.</summary>
    private void CheckElements(RunConfig config)
    {
        const long mostOfRouter = 1L << 30;
        TransformerShape shape = config.UncheckedShapeFor(config.Tokenizer.File is null ? config.Tokenizer.Vocabulary : 1);
        long elements = ModuleLayout.Of(shape, TransformerPart.All(shape.Blocks)).Length;
        Require(
            elements <= ModuleLayout.MostElements,
            [
                "transformer.width", "transformer.feed_forward", "topology.levels", "tokenizer.vocabulary", "transformer.heads", "transformer.head_width",
                "transformer.key_value_heads", "transformer.tied_embedding", "transformer.activation", "tokenizer.file",
            ],
            $"a path of {shape.Blocks:N0} blocks, width {shape.Width:N0}, feed-forward {shape.FeedForward:N0} and {shape.Heads:N0} heads of {shape.HeadWidth:N0}{Vocabulary()} has {elements:N0} parameters, expected at most {ModuleLayout.MostElements:N0}.");
        double centroids = PathsOf(config.Topology) * shape.Width;
        Require(
            !config.Routing.Method.HasClusterOfEachPath() || centroids <= mostOfRouter,
            ["transformer.width", "topology.levels", "topology.replicas", "topology.paths", "routing.method"],
            $"a router of {PathsOf(config.Topology):N0} centroids of width {shape.Width:N0} has {centroids:N0} elements, expected at most {mostOfRouter:N0}.");

        const double mostPlaced = 2048;
        Require(
            config.Routing.Placement == ClusterOrder.None || PathsOf(config.Topology) <= mostPlaced,
            ["routing.placement", "topology.levels", "topology.replicas", "topology.paths"],
            $"laying clusters onto the grid takes time with the third power of the paths, and there are {PathsOf(config.Topology):N0}; expected at most {mostPlaced:N0}, or no routing.placement.");

        string Vocabulary() => config.Tokenizer.File is null ? string.Create(CultureInfo.InvariantCulture, $" and {shape.Vocabulary:N0} entries of the vocabulary") : "";
    }

    private void CheckBaselines(RunConfig config)
    {
        double paths = PathsOf(config.Topology);
        double steps = StepsOf(config.Recipe) * paths;
        Require(
            !config.Evaluation.DenseEqualFlops || steps <= MostSteps,
            ["evaluation.dense_equal_flops", "recipe.phases", "recipe.inner_steps", "topology.levels", "topology.replicas", "topology.paths"],
            $"a dense model at the FLOPs of {paths:N0} paths makes {steps:N0} steps, expected at most {MostSteps:N0}.");
    }

    private void CheckDiscriminative(RunConfig config)
    {
        bool rounds = !config.Discriminative.AfterPhases.IsEmpty;
        Require(
            !rounds || config.Routing.Method.UsesFeatures(), ["discriminative.after_phases", "routing.method"],
            $"a router that learns from the paths needs features, and routing.method has none; expected any method but {Words<RoutingMethod>.Of(RoutingMethod.Random)}.");
        Require(
            !rounds || config.Data.RouterShare > 0, ["data.router_share", "discriminative.after_phases"],
            "discriminative routing scores documents that are kept apart for it; expected a router_share above 0.");
        Require(
            !rounds || config.Recipe.Phases > 1, ["discriminative.after_phases", "recipe.phases"],
            "with a single phase nothing follows a discriminative round; expected recipe.phases of at least 2, or no discriminative.after_phases.");
        Require(
            config.Discriminative.Candidates != 1, ["discriminative.candidates"],
            "with a single candidate a document keeps the path that it has and the router learns nothing; expected 0 (all paths) or at least 2.");
        Require(
            !config.Recipe.EarlyStopping || config.Evaluation.EveryPhases > 0, ["recipe.early_stopping", "evaluation.every_phases"],
            "early stopping looks at the validation documents after a phase; expected evaluation.every_phases of at least 1.");
    }

    private void CheckRerouting(EvaluationOptions evaluation, DataOptions data) => Require(
        !evaluation.UsesTokenRouter() || data.RouterShare > 0,
        ["evaluation.reroute_router", "data.router_share", "evaluation.reroute_windows"],
        "the token router is trained on documents kept for routers; expected data.router_share above 0, or evaluation.reroute_router: document.");

    private static long StepsOf(RecipeOptions recipe) => recipe.Stages.IsEmpty ? (long)recipe.Phases * recipe.InnerSteps : recipe.Stages.Sum(stage => stage.Steps);

    private static double PathsOf(TopologyOptions topology) => topology.Replicas
        * (topology.Paths.IsEmpty ? topology.Levels.Aggregate(1.0, (product, level) => product * level.Experts) : topology.Paths.Length);

    private void Require(bool holds, ReadOnlySpan<string> keys, FormattableString problem) =>
        Require(holds, keys, problem.ToString(CultureInfo.InvariantCulture));

    private void Require(bool holds, ReadOnlySpan<string> keys, string problem)
    {
        if (holds)
        {
            return;
        }

        string blamed = keys[0];
        foreach (string key in keys)
        {
            if (reading.Errors.Concerns(key))
            {
                return;
            }
        }

        foreach (string key in keys)
        {
            if (reading.IsStated(key))
            {
                blamed = key;
                break;
            }
        }

        (int line, int column) = reading.PositionOf(blamed);
        reading.Errors.Add(line, column, blamed, problem);
    }
}
