namespace DiPaCo.Core.Configuration;

/// <summary>The section <c>inner</c>. A warm-up that is not stated never takes more than a tenth of its stage.</summary>
internal static class InnerSection
{
    /// <summary>Learning rates.</summary>
    public static readonly Interval Rate = new(0, 10, OpenBelow: true);
    private static readonly Interval Decay = new(0, 1, OpenAbove: true);
    private static readonly Bounds Steps = new(0, 100_000_000);

    public static InnerOptimizerOptions Read(SectionReader section, SizeTable filled, RecipeOptions recipe)
    {
        InnerOptimizerOptions defaults = new() { LearningRate = 1, WarmupSteps = 0, BaseLearningRate = 1, BaseWarmupSteps = 0 };
        int baseWarmup = Math.Min(filled.BaseWarmupSteps, recipe.BaseSteps / 10);
        int warmup = (int)Math.Min(filled.WarmupSteps, (long)recipe.Phases * recipe.InnerSteps / 10);
        InnerOptimizerOptions options = new()
        {
            BaseLearningRate = section.Number("base_learning_rate", filled.BaseLearningRate, Rate, "Peak learning rate of the base model."),
            BaseWarmupSteps = section.Count("base_warmup_steps", baseWarmup, Steps, "Warm-up steps of the base model."),
            LearningRate = section.Number("learning_rate", filled.LearningRate, Rate, "Peak learning rate of the paths after the fork."),
            WarmupSteps = section.Count("warmup_steps", warmup, Steps, "Warm-up steps of the paths after the fork."),
            FinalShare = section.Number("final_share", defaults.FinalShare, new Interval(0, 1), "Last learning rate of a cosine, as a share of its peak."),
            Beta1 = section.Number("beta1", defaults.Beta1, Decay, "AdamW's decay of the first moment."),
            Beta2 = section.Number("beta2", defaults.Beta2, Decay, "AdamW's decay of the second moment."),
            Epsilon = section.Number("epsilon", defaults.Epsilon, new Interval(0, 1, OpenBelow: true), "Added to the root of the second moment."),
            WeightDecay = section.Number("weight_decay", defaults.WeightDecay, new Interval(0, 10), "Decoupled weight decay of matrices."),
            ClipNorm = section.Number("clip_norm", defaults.ClipNorm, new Interval(0, 1e6), "Largest global norm of a path's gradient; 0: no clipping."),
        };
        section.Finish();
        return options;
    }
}
