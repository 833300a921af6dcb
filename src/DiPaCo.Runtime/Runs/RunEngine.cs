using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Model.Checkpoints;
using DiPaCo.Runtime.Recipe;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime;

/// <summary>Begins, continues, inspects and evaluates runs in folders of this machine.</summary>
/// <param name="time">For durations and the age of leftovers; reaches no result.</param>
/// <param name="steps">Told of every write; tests end the process there.</param>
public sealed class RunEngine(TimeProvider time, IStorageSteps? steps = null)
{
    private readonly IStorageSteps _steps = steps ?? SilentStorageSteps.Instance;

    /// <summary>
    /// Whether training begins with a second of measuring the machine's rate of matrix products, for people to compare with. Default true.
    /// </summary>
    public bool MeasuresMachine { get; init; } = true;

    /// <summary>What other runs have computed already; null: every run computes everything itself.</summary>
    public ITaskMemory? Others { get; init; }

    /// <summary>Who computes the tasks of runs; null: this process, one after the other.</summary>
    public IRunCluster? Cluster { get; init; }

    /// <summary>Trains a run to its end, from wherever it is. A finished run's results are returned at once.</summary>
    /// <exception cref="DiPaCoException">Configuration, data or the run's folder is not as it must be.</exception>
    /// <exception cref="OperationCanceledException">The run was stopped; everything finished is on the disk.</exception>
    public async Task<RunResults> TrainAsync(LoadedConfig config, string folder, IRunObserver observer, CancellationToken cancellationToken)
    {
        ImmutableArray<string> missing = MissingFolders(folder);
        // A run in progress asks for its text only until it has tokens; one that cannot have any is not begun.
        IDocumentSource source = RunFolder.Exists(folder) ? new DeferredSource(() => CorpusSource.Open(config)) : CorpusSource.Open(config);
        if (!RunFolder.Exists(folder) && config.Config.Recipe.BaseModel is { } checkpoint)
        {
            // Much work lies before its parameters are needed.
            LlamaCheckpoint.Open(config.FullPath(checkpoint)).Dispose();
        }

        JsonElement identity = JsonSerializer.Deserialize<JsonElement>(RunConfigJson.Serialize(config.Config));
        using RunFolder run = RunFolder.OpenOrCreate(
            folder, RunInfo.Of(RunDescription.Program, identity), ResolvedYaml.Write(config), RunConfigJson.FreeKeys, _steps);
        bool begun = false;
        try
        {
            if (!run.IsNew && File.Exists(Path.Combine(run.Paths.Folder, ResultsFile.FileName)))
            {
                FolderBlobStore store = new(run.Paths.Blobs);
                ModelFile model = ModelFile.ReadWhereDue(run.Paths, config.Config)!;
                await ThrowIfDamagedAsync(store, model, cancellationToken);
                await TokenizerCopy.WriteWhereMissingAsync(run.Paths, store, model.Tokenizer, _steps, cancellationToken);
                return await ResultsFile.ReadAsync(run.Paths.Folder, cancellationToken);
            }

            using TaskJournal journal = TaskJournal.OpenForWriting(run.Lock, _steps);
            RunResults results = await TrainAsync(config, source, run, journal, observer, () => begun = journal.Entries.Any(entry => entry.Kind == "train"), cancellationToken);
            ResultsFile.Write(run.Paths.Folder, results, _steps);
            return results;
        }
        catch (DiPaCoException exception) when (run.IsNew && !begun && exception is not StorageException)
        {
            Remove(run, missing);
            throw;
        }
    }

    /// <summary>How far a run is; also while another process works on it.</summary>
    /// <exception cref="DiPaCoException">The folder is no run, or a damaged one.</exception>
    public static Task<RunStatus> StatusAsync(string folder, CancellationToken cancellationToken) =>
        new RunInspection(folder).StatusAsync(cancellationToken);

    /// <summary>Re-hashes every blob that the run's journal says is there, and recomputes the model digest.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="repair">Whether damaged parts are set aside, so that training makes them anew.</param>
    /// <param name="observer">Watches.</param>
    /// <param name="cancellationToken">Ends the verification.</param>
    /// <exception cref="DiPaCoException">The folder is no run, or another process works on it and <paramref name="repair"/> was asked for.</exception>
    public Task<VerifyResult> VerifyAsync(string folder, bool repair, IRunObserver observer, CancellationToken cancellationToken) =>
        new RunVerification(folder, _steps, new StageFrame(observer, time)).VerifyAsync(repair, cancellationToken);

    /// <summary>What each path has learned from, phase by phase; also while another process works on the run.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <exception cref="DiPaCoException">The folder is no run, or its paths do not train on their own.</exception>
    public static TokenLedger ReadLedger(string folder) => new LedgerReader(folder).Read();

    /// <summary>The documents that a path has read in a phase, computed anew from its shard.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="line">A line of its ledger.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="DiPaCoException">The shard is not there any more, or contradicts the ledger.</exception>
    public static Task<ImmutableArray<DocumentConsumption>> ReadDocumentsAsync(string folder, PathConsumption line, CancellationToken cancellationToken) =>
        new LedgerReader(folder).DocumentsAsync(line, cancellationToken);

    /// <summary>Measures held-out perplexity again: on the run's own test split, or on any text.</summary>
    /// <param name="folder">A run with at least one complete phase.</param>
    /// <param name="data">Files, folders and globs; empty: the run's own test split.</param>
    /// <param name="observer">Watches.</param>
    /// <param name="cancellationToken">Ends the evaluation.</param>
    /// <param name="rounding">Measures the routed model once more, with its weights rounded so; null: only as it is.</param>
    /// <exception cref="DiPaCoException">The run has no model yet, or the text cannot be read.</exception>
    public Task<EvaluationResult> EvaluateAsync(
        string folder, ImmutableArray<string> data, IRunObserver observer, CancellationToken cancellationToken, IWeightRounding? rounding = null) =>
        new RunEvaluation(folder, time, rounding).EvaluateAsync(data, observer, cancellationToken);

    private async Task<RunResults> TrainAsync(
        LoadedConfig config, IDocumentSource source, RunFolder run, TaskJournal journal, IRunObserver observer,
        Action progressed, CancellationToken cancellationToken)
    {
        FolderBlobStore store = new(run.Paths.Blobs, _steps, time);
        if (journal.TornBytes > 0)
        {
            observer.Observe(new RunNote("The last session was killed while it recorded a task; that task is done again.", IsWarning: false));
        }

        using ComputeSetup setup = ComputeSetup.Of(config.Config, time);
        await setup.RecordOf(config.Config.Transformer.Compute).KeepAsync(run.Paths, journal, observer, cancellationToken);

        // Blobs of tasks that a killed session had not recorded.
        await GarbageCollector.CollectAsync(store, Retention.Expected(journal.Entries), time.GetUtcNow(), cancellationToken);
        using MetricsLog metrics = MetricsLog.OpenForWriting(run.Lock, _steps);
        MachineSummary machine = setup.Describe(config.Config.Transformer.Compute, MeasuresMachine);
        observer.Observe(new MachineFound(machine));
        observer = new MetricsObserver(observer, metrics, time);
        await using IRunExecution? cluster = Cluster is null ? null
            : await Cluster.BeginAsync(new RunExecutionContext(config.Config, run.Paths.Folder, store, setup.Executor, observer), cancellationToken);
        TaskRunner tasks = new(store, journal, cluster?.Executor ?? setup.Executor, Others?.OnDevice(setup.Device));
        RunSession session = new(config.Config, store, tasks, observer, time)
        {
            ConfigurationYaml = ResolvedYaml.Write(config),
        };
        TrainRun recipe = TrainRun.Of(session, source, config.FullPath, setup.Threads, new Retention(store, journal), new RunFiles(run.Paths, _steps));
        try
        {
            RunResults results = await recipe.ExecuteAsync(cancellationToken);
            if (cluster is not null)
            {
                // What workers handed over in the middle of tasks, and what two of them have computed differently.
                await GarbageCollector.CollectAsync(store, Retention.Expected(journal.Entries), time.GetUtcNow(), cancellationToken);
            }

            return results with
            {
                Machine = machine,
                Timings = await MetricsReader.ReadTimesAsync(run.Paths.Metrics, cancellationToken),
                Numerics = await MetricsReader.ReadNumericsAsync(run.Paths.Metrics, cancellationToken),
            };
        }
        finally
        {
            progressed();
        }
    }

    /// <summary>A finished run has nothing left to compute, but its results are only worth something together with its model.</summary>
    private static async Task ThrowIfDamagedAsync(FolderBlobStore store, ModelFile model, CancellationToken cancellationToken)
    {
        foreach ((string _, BlobHash blob) in model.Blobs)
        {
            await store.GetFileAsync(blob, cancellationToken);
        }
    }

    /// <summary>A run in which nothing was trained would only stand in the way of the corrected one.</summary>
    /// <param name="run">The run.</param>
    /// <param name="created">The folders that were made for it, inner ones first.</param>
    private static void Remove(RunFolder run, ImmutableArray<string> created)
    {
        RunPaths paths = run.Paths;
        try
        {
            string[] files = [paths.Info, paths.Configuration, paths.Journal, paths.Metrics, .. TokenizerCopy.PathsIn(paths.Folder)];
            foreach (string file in files)
            {
                File.Delete(file);
            }

            if (Directory.Exists(paths.Blobs))
            {
                Directory.Delete(paths.Blobs, recursive: true);
            }

            // Windows does not delete a file that is locked. Elsewhere it goes while it is: a process that took the lock in
            // between would lose it.
            if (OperatingSystem.IsWindows())
            {
                run.Dispose();
            }

            File.Delete(paths.Holder);
            File.Delete(paths.Lock);
            run.Dispose();
            foreach (string folder in created)
            {
                Directory.Delete(folder);
            }
        }
        catch (Exception e) when (StorageErrors.IsStorage(e))
        {
            // Why the run was refused matters more than what is left of it.
        }
    }

    /// <summary>A folder and those around it, as far as they are not there, inner ones first.</summary>
    private static ImmutableArray<string> MissingFolders(string folder)
    {
        ImmutableArray<string>.Builder missing = ImmutableArray.CreateBuilder<string>();
        for (string? path = Path.GetFullPath(folder); path is not null && !Directory.Exists(path); path = Path.GetDirectoryName(path))
        {
            missing.Add(path);
        }

        return missing.DrainToImmutable();
    }
}
