namespace DiPaCo.Core.Configuration;

/// <summary>The section <c>discriminative</c>.</summary>
internal static class DiscriminativeSection
{
    public static DiscriminativeOptions Read(SectionReader section, RecipeOptions recipe)
    {
        DiscriminativeOptions defaults = new();
        DiscriminativeOptions options = new()
        {
            AfterPhases = section.WholeNumbers(
                "after_phases", new Bounds(1, Math.Max(1, recipe.Phases - 1)),
                "After which phases documents are scored under all paths and sharded anew by a classifier, for example [4, 8]."),
            MaxDocuments = section.Count("max_documents", defaults.MaxDocuments, new Bounds(0, int.MaxValue), "Documents of the router split that are scored at most; 0: all."),
            Candidates = section.Count("candidates", defaults.Candidates, new Bounds(0, int.MaxValue), "Paths that each document is scored under, the ones that its router so far scores highest; 0: all."),
            WeightPenalty = section.OptionalNumber("weight_penalty", defaults.WeightPenalty, new Interval(0, 1e6), "Penalty on the classifier's weights; none: chosen by cross-validation."),
            Folds = section.Count("folds", defaults.Folds, new Bounds(2, 100), "Parts of that cross-validation; all documents of one origin are in one part."),
            Prior = section.Word("prior", defaults.Prior, "What the classifier is drawn towards: generative (the run's first router), previous (the router so far) or none."),
            Weighting = section.Word("weighting", defaults.Weighting, "What a scored document weighs: regret (by how much its best path is ahead of its second best), tokens, or documents (all the same)."),
            Calibration = section.Word("calibration", defaults.Calibration, "What the biases are trained to match: expected (the labels' shares in the mean of its probabilities), labels (in its choices), or none."),
        };
        section.Finish();
        return options;
    }
}
