using System.Collections.Immutable;
using System.Globalization;

namespace DiPaCo.Core.Configuration;

/// <summary>Reads and writes the items of <c>recipe.stages</c>.</summary>
internal static class StageReader
{
    /// <summary>The keys of a stage, which are in no section of their own.</summary>
    public static readonly ImmutableArray<string> Keys = ["phases", "inner_steps", "learning_rate", "warmup_steps"];

    private const string Key = "stages";
    private const int MostStages = 10_000;

    private static readonly Bounds Steps = new(1, 1_000_000);

    /// <summary>Reads the stated stages; empty where there are none.</summary>
    public static ImmutableArray<PhaseStage> ReadAll(SectionReader section)
    {
        ImmutableArray<PhaseStage>.Builder stages = ImmutableArray.CreateBuilder<PhaseStage>();
        switch (section.Value(Key))
        {
            case null:
                break;
            case YamlSequence { Items.Length: <= MostStages } list:
                foreach (YamlValue item in list.Items)
                {
                    stages.Add(Read(section.Item($"{Key}[{stages.Count}]", item)));
                }

                break;
            case YamlValue value:
                section.Wrong(Key, value, $"a list of at most {MostStages} stages such as '- {{ phases: 4, inner_steps: 50, learning_rate: 0.001 }}'");
                break;
        }

        section.Keep(
            Key, stages.Count == 0 ? ConfigYaml.Of("[]") : ConfigYaml.List(stages.Select(Write)),
            "Runs of phases with an own number of steps and learning rate: { phases, inner_steps, learning_rate, warmup_steps }; []: one run of all phases.");
        return stages.ToImmutable();
    }

    private static PhaseStage Read(SectionReader stage)
    {
        int phases = stage.Count("phases", 1, Steps, "");
        int steps = stage.Count("inner_steps", 1, Steps, "");
        double rate = stage.Number("learning_rate", 1, InnerSection.Rate, "");
        long all = (long)phases * steps;
        int warmup = stage.Count("warmup_steps", 0, new Bounds(0, 100_000_000), "");
        foreach (string key in (ReadOnlySpan<string>)["phases", "inner_steps", "learning_rate"])
        {
            if (!stage.States(key))
            {
                stage.Missing(key, "every stage with its own");
            }
        }

        if (warmup > all)
        {
            stage.Conflict("warmup_steps", string.Create(
                CultureInfo.InvariantCulture, $"a warm-up of {warmup:N0} steps is longer than the {all:N0} steps of the stage; expected at most those."));
        }

        stage.Finish();
        return new PhaseStage(phases, steps, rate, warmup);
    }

    private static string Write(PhaseStage stage) =>
        $"{{ phases: {NumberText.Of((long)stage.Phases)}, inner_steps: {NumberText.Of((long)stage.InnerSteps)}, learning_rate: {NumberText.Of(stage.LearningRate)}, warmup_steps: {NumberText.Of((long)stage.WarmupSteps)} }}";
}
