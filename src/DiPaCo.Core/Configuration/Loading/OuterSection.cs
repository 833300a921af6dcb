namespace DiPaCo.Core.Configuration;

/// <summary>The section <c>outer</c>.</summary>
internal static class OuterSection
{
    public static OuterOptimizerOptions Read(SectionReader section, SizeTable filled)
    {
        OuterOptimizerOptions defaults = new();
        OuterOptimizerOptions options = new()
        {
            LearningRate = section.Number("learning_rate", defaults.LearningRate, new Interval(0, 100, OpenBelow: true), "Outer learning rate."),
            Momentum = section.Number("momentum", defaults.Momentum, new Interval(0, 1, OpenAbove: true), "Outer Nesterov momentum; 0 with learning_rate 1 is plain averaging."),
            MomentumWarmupPhases = section.Count("momentum_warmup_phases", defaults.MomentumWarmupPhases, new Bounds(0, 1_000_000), "Phases over which the momentum rises from 0; 0: none."),
            Weights = section.Word("weights", defaults.Weights, "Weights of the paths through a module: shard_size or uniform."),
            Rescaling = section.Word("rescaling", filled.Rescaling, "Factor on the averaged outer gradient: none, square_root or relative."),
            Codec = section.Word("codec", defaults.Codec, "How contributions travel: fp32, or their deltas as bf16, int8, int4 or top_k."),
            TopKFraction = section.Number("top_k_fraction", defaults.TopKFraction, new Interval(0, 1, OpenBelow: true), "Share of a delta's elements that codec top_k sends."),
            ErrorFeedback = section.Number("error_feedback", defaults.ErrorFeedback, new Interval(0, 1), "Weight of what a codec has left out of a path's earlier deltas in its next one; 1: all of it."),
            Download = section.Word("download", defaults.Download, "How modules travel to paths: fp32, bf16, or as int8 or int4 differences from the version before."),
            FoldPaths = section.Count("fold_paths", filled.FoldPaths, new Bounds(0, 1_000_000), "Contributions of a module that are folded together while others are on their way; 0: none."),
            PrivateModules = section.Flag("private_modules", defaults.PrivateModules, "Whether modules of a single path have the outer step too."),
        };
        section.Finish();
        return options;
    }
}
