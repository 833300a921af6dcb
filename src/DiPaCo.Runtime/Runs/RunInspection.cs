using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Core.Planning;
using DiPaCo.Runtime.Recipe;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Runtime;

/// <summary>Says how far a run is, from what lies in its folder; it may be at work meanwhile.</summary>
/// <param name="folder">The run's folder.</param>
internal sealed class RunInspection(string folder)
{
    public async Task<RunStatus> StatusAsync(CancellationToken cancellationToken)
    {
        using RunFolder run = RunFolder.OpenForReading(folder);
        RunConfig config = RunConfigJson.Deserialize(run.Info.Config.GetRawText());
        ModelFile? model = ModelFile.ReadWhereDue(run.Paths, config);
        bool finished = File.Exists(Path.Combine(run.Paths.Folder, ResultsFile.FileName));
        RunResults? results = finished ? await ResultsFile.ReadAsync(run.Paths.Folder, cancellationToken) : null;
        ModelSummary? summary = results?.Model
            ?? (model is null ? null : ModelSummary.Of(ModelTopology.Create(config.Topology, model.Shape)));
        return new RunStatus
        {
            Name = config.Name,
            State = finished ? RunState.Finished : RunLock.IsHeld(run.Paths.Folder) ? RunState.Running : RunState.Stopped,
            Stage = finished ? null
                : model?.PhasesDone == config.Recipe.Phases ? StageAfterPhases(run.Paths, StepCounts.Of(config, summary!.Paths))
                : StageUpToPhases(run.Paths, config.Routing.Method),
            PhasesDone = model?.PhasesDone ?? 0,
            Phases = config.Recipe.Phases,
            ModelDigest = model?.ModelDigest,
            Model = summary,
            Validation = model?.Validation ?? [],
            Evaluation = results?.Evaluation ?? [],
            Router = results?.Router,
        };
    }

    private static Stage StageUpToPhases(RunPaths paths, RoutingMethod routing)
    {
        HashSet<string> done = Done(paths);
        return !done.Contains("corpus") ? Stage.Corpus
            : !done.Contains("tokenizer") ? Stage.Tokenizer
            : !done.Contains("tokenize") ? Stage.Tokens
            : !done.Contains(Retention.KeyOf("base")) ? Stage.Base
            : !done.Contains("router") && routing.UsesFeatures() ? Stage.Features
            : !done.Contains("shard") ? Stage.Shards
            : Stage.Phases;
    }

    private static Stage StageAfterPhases(RunPaths paths, StepCounts steps)
    {
        bool trains = steps.DenseEqualSteps + steps.DenseEqualFlops > 0 && !Done(paths).Contains(Retention.KeyOf(Retention.Dense));
        return trains ? Stage.Dense : Stage.Evaluation;
    }

    /// <summary>Kinds of tasks that were done, and the moments that the run is past.</summary>
    private static HashSet<string> Done(RunPaths paths) =>
        [.. TaskJournal.ReadEntries(paths.Folder).Select(entry => entry.Kind == Retention.Kind ? entry.Key : entry.Kind)];
}
