using DiPaCo.RunHost;
using DiPaCo.Runtime;
using DiPaCo.Runtime.Storage;
using Xunit;

namespace DiPaCo.EndToEnd;

/// <summary>Looking at a run never disturbs it, and whatever happened to it, it can be looked at.</summary>
public sealed class WatchedRunTests : IDisposable
{
    private readonly string _folder = SmallRun.CreateFolder();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Run => Path.Combine(_folder, "run");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task StatusAndVerify_AnswerWhileAnotherProcessTrains()
    {
        SmallRun.Prepare(_folder);
        string config = Path.Combine(_folder, "long.yaml");
        string yaml = await File.ReadAllTextAsync(Path.Combine(_folder, "small.yaml"), Cancellation);
        await File.WriteAllTextAsync(config, yaml.Replace("base_steps: 4", "base_steps: 1000000", StringComparison.Ordinal), Cancellation);
        using TrainingProcess training = TrainingProcess.Start(config, Run);
        using (PeriodicTimer patience = new(TimeSpan.FromMilliseconds(20), TimeProvider.System))
        {
            while ((await MetricsReader.ReadAsync(new RunPaths(Run).Metrics, Cancellation)).Count == 0)
            {
                await patience.WaitForNextTickAsync(Cancellation);
            }
        }

        RunStatus status = await RunEngine.StatusAsync(Run, Cancellation);
        VerifyResult verified = await VerifyAsync();
        await training.KillAfterAsync(TimeSpan.Zero, Cancellation);
        RunStatus after = await RunEngine.StatusAsync(Run, Cancellation);

        Assert.Equal((RunState.Running, Stage.Base), (status.State, status.Stage));
        Assert.Equal((RunState.Stopped, Stage.Base), (after.State, after.Stage));
        Assert.Empty(verified.Damaged);
    }

    /// <summary>Each process dies at another kind of step in the middle of the run, one of them while it clears up after the one before.</summary>
    [Fact]
    public async Task RunThatWasKilled_IsSound_AndClearsUpAfterItself()
    {
        SmallRun.Prepare(_folder);
        await DieAsync(StorageStep.TemporaryCreated, 1);
        await DieAsync(StorageStep.FolderFlushed, 8);
        await DieAsync(StorageStep.TemporaryWritten, 30);
        Assert.NotEmpty(Leftovers());
        using (FileStream journal = File.Open(new RunPaths(Run).Journal, FileMode.Open))
        {
            // A power failure may cut a line that a kill cannot.
            journal.SetLength(journal.Length - 5);
        }

        await DieAsync(StorageStep.LeftoverDeleted, 1);
        await DieAsync(StorageStep.TailCut, 1);
        await DieAsync(StorageStep.Renamed, 12);
        await DieAsync(StorageStep.BlobDeleted, 3);
        using TrainingProcess last = TrainingProcess.Start(Path.Combine(_folder, "small.yaml"), Run);

        Assert.StartsWith("finished", await last.EndAsync(Cancellation), StringComparison.Ordinal);
        Assert.Empty(Leftovers());
        VerifyResult verified = await VerifyAsync();
        Assert.Empty(verified.Damaged);
        Assert.Equal(verified.Blobs, Directory.GetFiles(new RunPaths(Run).Blobs, "*", SearchOption.AllDirectories).Length);
    }

    private async Task DieAsync(StorageStep step, int occurrence)
    {
        using TrainingProcess process = TrainingProcess.Start(
            Path.Combine(_folder, "small.yaml"), Run, step.ToString(), occurrence.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal("started", await process.EndAsync(Cancellation));
        if (RunFolder.Exists(Run))
        {
            Assert.Equal(RunState.Stopped, (await RunEngine.StatusAsync(Run, Cancellation)).State);
            Assert.Empty((await VerifyAsync()).Damaged);
        }
    }

    private Task<VerifyResult> VerifyAsync() => new RunEngine(TimeProvider.System).VerifyAsync(Run, repair: false, new SilentObserver(), Cancellation);

    private string[] Leftovers() => Directory.GetFiles(Run, "*.tmp", SearchOption.AllDirectories);
}
