using System.Collections.Immutable;

namespace DiPaCo.Core.Configuration;

/// <summary>The section <c>recipe</c>.</summary>
internal static class RecipeSection
{
    public static RecipeOptions Read(SectionReader section, SizeTable filled)
    {
        Bounds steps = new(1, 100_000_000);
        Bounds sequences = new(1, 1_048_576);
        RecipeOptions defaults = new() { BaseSteps = 1, Phases = 1, InnerSteps = 1, BatchSequences = 1, MicroBatchSequences = 1 };
        int batch = section.Count("batch_sequences", filled.BatchSequences, sequences, "Sequences of one step.");
        string? baseModel = section.Text(
            "base_model", null, text => text.Length is > 0 and <= 4_096 && !text.Any(char.IsControl), "a folder with config.json and model.safetensors",
            "Folder of a Llama checkpoint that the base model starts from; null: fresh parameters.");
        ImmutableArray<PhaseStage> stages = StageReader.ReadAll(section);
        RecipeOptions options = new()
        {
            BatchSequences = batch,
            MicroBatchSequences = section.Count("micro_batch_sequences", Math.Min(filled.MicroBatchSequences, batch), sequences, "Sequences computed at once; their gradients add up to the batch's."),
            BaseModel = baseModel,
            BaseSteps = section.Count("base_steps", baseModel is null ? filled.BaseSteps : 0, steps with { Least = 0 }, "Steps of the dense base model on all data, before the fork; 0: none."),
            Phases = section.Count("phases", PhasesOf(stages, filled), new Bounds(1, 1_000_000), "Phases after the fork."),
            InnerSteps = section.Count("inner_steps", stages.IsEmpty ? filled.InnerSteps : stages[0].InnerSteps, new Bounds(1, 1_000_000), "Steps of one path in one phase."),
            Stages = stages,
            Training = section.Word("training", defaults.Training, "phases: paths meet after every phase; synchronous: at every step, to compare with."),
            PathsPerPhase = section.Count("paths_per_phase", defaults.PathsPerPhase, new Bounds(0, TopologySection.MostPaths), "Paths that take part in a phase, in turns, at its learning rate even where it is their first; 0: all."),
            EarlyStopping = section.Flag("early_stopping", defaults.EarlyStopping, "Whether a path that does clearly worse than before on its own validation documents is served as it was then."),
            EarlyStoppingMargin = section.Number("early_stopping_margin", defaults.EarlyStoppingMargin, new Interval(0, 1_000), "By how many standard errors it must do worse; 0: by anything at all, as in the paper."),
            LossOnPrefix = section.Flag("loss_on_prefix", defaults.LossOnPrefix, "Whether training counts the loss of the routing prefix."),
            KeepPhases = section.Count("keep_phases", defaults.KeepPhases, new Bounds(1, 1_000_000), "Past phases whose files are kept besides the newest."),
        };
        section.Finish();
        return options;
    }

    private static int PhasesOf(ImmutableArray<PhaseStage> stages, SizeTable filled) =>
        stages.IsEmpty ? filled.Phases : (int)Math.Min(int.MaxValue, stages.Sum(stage => (long)stage.Phases));
}
