namespace DiPaCo.Core.Configuration;

/// <summary>
/// Refuses a key whose value is another than the one that holds anyway, and that something else in the file makes idle: whoever sets it expects that it does something. A
/// file that states every key, as a resolved one does, may state idle ones too.
/// </summary>
/// <param name="reading">The file.</param>
internal sealed class IdleKeys(ConfigReading reading)
{
    /// <summary>Looks at all keys that can be idle.</summary>
    public void Check(RunConfig config)
    {
        CheckOuter(config);
        CheckStopping(config.Recipe, config.Data, config.Evaluation);
        CheckDiscriminative(config.Discriminative);
        CheckRerouting(config.Evaluation, new SizeTable(config.Size));
        CheckClusters(config.Routing);
    }

    private void CheckOuter(RunConfig config)
    {
        (OuterOptimizerOptions outer, OuterOptimizerOptions defaults, SizeTable filled) = (config.Outer, new(), new(config.Size));
        bool steps = config.Recipe.Training == TrainingMode.Phases;
        const string synchronous = "in synchronous training (recipe.training) there is no outer step, and gradients meet as they are; expected recipe.training: phases, or no {0}.";
        Refuse("outer.learning_rate", steps, outer.LearningRate == defaults.LearningRate, synchronous);
        Refuse("outer.momentum", steps, outer.Momentum == defaults.Momentum, synchronous);
        Refuse("outer.momentum_warmup_phases", steps, outer.MomentumWarmupPhases == defaults.MomentumWarmupPhases, synchronous);
        Refuse("outer.rescaling", steps, outer.Rescaling == filled.Rescaling, synchronous);
        Refuse("outer.codec", steps, outer.Codec == defaults.Codec, synchronous);
        Refuse("outer.download", steps, outer.Download == defaults.Download, synchronous);
        Refuse("outer.fold_paths", steps, outer.FoldPaths == filled.FoldPaths, synchronous);
        Refuse("outer.private_modules", steps, outer.PrivateModules == defaults.PrivateModules, synchronous);
        Refuse(
            "outer.top_k_fraction", steps && outer.Codec == DeltaCodec.TopK, outer.TopKFraction == defaults.TopKFraction,
            "only the codec top_k sends a share of a delta's elements; expected outer.codec: top_k, or no {0}.");
        Refuse(
            "outer.error_feedback", steps && outer.Codec != DeltaCodec.Fp32, outer.ErrorFeedback == defaults.ErrorFeedback,
            "the codec fp32 leaves nothing out that could be sent later; expected another outer.codec, or no {0}.");
    }

    private void CheckStopping(RecipeOptions recipe, DataOptions data, EvaluationOptions evaluation)
    {
        const string off = "early stopping is off; expected recipe.early_stopping: true, or no {0}.";
        RecipeOptions defaults = new() { BaseSteps = 1, Phases = 1, InnerSteps = 1, BatchSequences = 1, MicroBatchSequences = 1 };
        Refuse("recipe.early_stopping_margin", recipe.EarlyStopping, recipe.EarlyStoppingMargin == defaults.EarlyStoppingMargin, off);
        Refuse(
            "evaluation.max_stopping_documents_per_path", recipe.EarlyStopping,
            evaluation.MaxStoppingDocumentsPerPath == new EvaluationOptions().MaxStoppingDocumentsPerPath, off);
        Refuse(
            reading.IsJudged("recipe.early_stopping") ? "recipe.early_stopping" : "data.validation_share", data.ValidationShare > 0, !recipe.EarlyStopping,
            "early stopping looks at validation documents, and there are none; expected a data.validation_share above 0, or recipe.early_stopping: false.");
    }

    private void CheckDiscriminative(DiscriminativeOptions options)
    {
        const string off = "no round fits a router to the paths; expected phases in discriminative.after_phases, or no {0}.";
        bool rounds = !options.AfterPhases.IsEmpty;
        DiscriminativeOptions defaults = new();
        Refuse("discriminative.max_documents", rounds, options.MaxDocuments == defaults.MaxDocuments, off);
        Refuse("discriminative.candidates", rounds, options.Candidates == defaults.Candidates, off);
        Refuse("discriminative.weight_penalty", rounds, options.WeightPenalty == defaults.WeightPenalty, off);
        Refuse("discriminative.prior", rounds, options.Prior == defaults.Prior, off);
        Refuse("discriminative.weighting", rounds, options.Weighting == defaults.Weighting, off);
        Refuse("discriminative.calibration", rounds, options.Calibration == defaults.Calibration, off);
        Refuse(
            "discriminative.folds", rounds && options.WeightPenalty is null, options.Folds == defaults.Folds,
            rounds ? "the penalty is stated, so no cross-validation chooses it; expected discriminative.weight_penalty: none, or no {0}." : off);
    }

    private void CheckRerouting(EvaluationOptions evaluation, SizeTable filled)
    {
        EvaluationOptions defaults = new();
        bool reroutes = !evaluation.RerouteWindows.IsEmpty;
        bool byToken = evaluation.UsesTokenRouter();
        const string off = "nothing is routed anew; expected windows in evaluation.reroute_windows, or no {0}.";
        string none = reroutes ? "evaluation.reroute_router names no token router, so none is trained; expected token, both or all, or no {0}." : off;
        Refuse("evaluation.reroute_router", reroutes, evaluation.RerouteRouter == defaults.RerouteRouter, off);
        Refuse("evaluation.token_router_steps", byToken, evaluation.TokenRouterSteps == defaults.TokenRouterSteps, none);
        Refuse("evaluation.token_router_horizon", byToken, evaluation.TokenRouterHorizon == defaults.TokenRouterHorizon, none);
        Refuse("evaluation.max_token_router_documents", byToken, evaluation.MaxTokenRouterDocuments == filled.MaxTokenRouterDocuments, none);
    }

    private void CheckClusters(RoutingOptions routing)
    {
        const string random = "routing.method random has no clusters; expected another method, or no {0}.";
        RoutingOptions defaults = new();
        bool clusters = routing.Method != RoutingMethod.Random;
        Refuse("routing.restarts", clusters, routing.Restarts == defaults.Restarts, random);
        Refuse("routing.iterations", clusters, routing.Iterations == defaults.Iterations, random);
        Refuse("routing.batch_rows", clusters, routing.BatchRows == defaults.BatchRows, random);
    }

    /// <param name="key">The key.</param>
    /// <param name="works">Whether it has an effect.</param>
    /// <param name="isDefault">Whether its value holds anyway.</param>
    /// <param name="problem">Why it has none, with the key's place.</param>
    private void Refuse(string key, bool works, bool isDefault, string problem)
    {
        if (works || isDefault || !reading.IsJudged(key) || reading.Errors.Concerns(key))
        {
            return;
        }

        (int line, int column) = reading.PositionOf(key);
        reading.Errors.Add(line, column, key, problem.Replace("{0}", key, StringComparison.Ordinal));
    }
}
