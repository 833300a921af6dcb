using DiPaCo.Core.Configuration;
using DiPaCo.RunHost;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Runtime.Tests.Support;

/// <summary>A folder with a small corpus, and the runs that are trained on it.</summary>
internal sealed class TestRuns : IDisposable
{
    private readonly string _folder = SmallRun.CreateFolder();

    public TestRuns() => Loaded = SmallRun.Prepare(File("input"));

    /// <summary>The small run's configuration.</summary>
    public LoadedConfig Loaded { get; }

    public RunConfig Config => Loaded.Config;

    public string Corpus => File(Path.Combine("input", "corpus.jsonl"));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public string File(string name) => Path.Combine(_folder, name);

    /// <summary>Trains to the end, from wherever the run is.</summary>
    public Task<RunResults> TrainAsync(
        string name, RunConfig? config = null, IRunObserver? observer = null, IStorageSteps? steps = null, IRunCluster? cluster = null,
        CancellationToken cancellationToken = default) =>
        new RunEngine(TimeProvider.System, steps) { MeasuresMachine = false, Cluster = cluster }.TrainAsync(
            Loaded with { Config = config ?? Config }, File(name), observer ?? new SilentObserver(), cancellationToken);

    /// <summary>Trains until an event, which the run notices after the current step at the latest.</summary>
    /// <returns>Whether the run was stopped; false when it ended before the event.</returns>
    public async Task<bool> TrainUntilAsync(string name, Func<int, RunEvent, bool> stop, RunConfig? config = null, IRunCluster? cluster = null)
    {
        using CancellationTokenSource stopping = new();
        EventLog events = new()
        {
            Seen = (count, runEvent) =>
            {
                if (stop(count, runEvent))
                {
                    stopping.Cancel();
                }
            },
        };
        try
        {
            await TrainAsync(name, config, events, cluster: cluster, cancellationToken: stopping.Token);
            return false;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
    }

    public Task<VerifyResult> VerifyAsync(string name, bool repair = false) =>
        new RunEngine(TimeProvider.System).VerifyAsync(File(name), repair, new SilentObserver(), CancellationToken.None);

    /// <summary>Every file with the hash of its bytes, but for those that hold times or name processes.</summary>
    public string[] Contents(string name) =>
    [
        .. Directory.EnumerateFiles(File(name), "*", SearchOption.AllDirectories)
            .Select(file => (Name: Path.GetRelativePath(File(name), file), File: file))
            .Where(file => file.Name is not ("run.lock" or "run.holder" or "metrics.jsonl" or "results.json"))
            .OrderBy(file => file.Name, StringComparer.Ordinal)
            .Select(file => $"{file.Name} {Core.BlobHash.Of(System.IO.File.ReadAllBytes(file.File))}"),
    ];
}
