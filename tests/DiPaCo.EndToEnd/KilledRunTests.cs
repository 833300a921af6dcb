using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using Xunit;

namespace DiPaCo.EndToEnd;

/// <summary>Real processes, killed with SIGKILL wherever it hurts, end with the bytes of a run that nobody disturbed.</summary>
public sealed class KilledRunTests(UninterruptedRun reference) : IClassFixture<UninterruptedRun>
{
    private readonly string _folder = reference.Folder;
    private readonly string _config = reference.Config;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RunKilledAtRandomMoments_EndsWithTheBytesOfAnUninterruptedRun()
    {
        RandomStream random = new(7, "moments to kill at");
        string run = Path.Combine(_folder, "killed");
        int killed = 0;
        string last = "";
        for (int session = 1; !last.StartsWith("finished", StringComparison.Ordinal); session++)
        {
            Assert.True(session < 30, $"The run does not come to an end; the last session wrote '{last}'.");
            Assert.False(last.StartsWith("refused", StringComparison.Ordinal), last);

            // Sessions get longer and longer, so that they end at last even on a slow machine.
            using TrainingProcess process = TrainingProcess.Start(_config, run);
            last = await process.KillAfterAsync(TimeSpan.FromMilliseconds(500 * Math.Pow(1.25, session) * (0.5 + random.NextDouble())), Cancellation);
            killed += last.StartsWith("finished", StringComparison.Ordinal) ? 0 : 1;
        }

        Assert.True(killed > 0, "No session was killed: the test shows nothing.");
        Assert.Equal(reference.Contents, RunContents.Of(run));
    }

    [Theory]
    [InlineData(StorageStep.TemporaryCreated)]
    [InlineData(StorageStep.TemporaryWritten)]
    [InlineData(StorageStep.TemporaryFlushed)]
    [InlineData(StorageStep.Renamed)]
    [InlineData(StorageStep.FolderFlushed)]
    [InlineData(StorageStep.JournalAppended)]
    [InlineData(StorageStep.JournalFlushed)]
    [InlineData(StorageStep.MetricsAppended)]
    [InlineData(StorageStep.BlobDeleted)]
    public async Task RunKilledAtEveryKindOfWrite_EndsWithTheBytesOfAnUninterruptedRun(StorageStep kind)
    {
        string run = Path.Combine(_folder, $"killed-{kind}");
        foreach (int occurrence in new[] { 2, 11 })
        {
            using TrainingProcess dying = TrainingProcess.Start(_config, run, kind.ToString(), occurrence.ToString(CultureInfo.InvariantCulture));
            Assert.Equal("started", await dying.EndAsync(Cancellation));
        }

        using TrainingProcess last = TrainingProcess.Start(_config, run);
        Assert.StartsWith("finished", await last.EndAsync(Cancellation), StringComparison.Ordinal);
        Assert.Equal(reference.Contents, RunContents.Of(run));
    }

    /// <summary>
    /// One run, started again and again, that is killed at every new write on its way: of a task, of the journal, of what a start puts in
    /// order. All of them take three quarters of an hour; the continuous build kills at every 37th, beginning elsewhere for every commit.
    /// </summary>
    [Fact]
    public async Task RunKilledAtEveryWriteOnItsWay_EndsWithTheBytesOfAnUninterruptedRun()
    {
        string run = Path.Combine(_folder, "killed-everywhere");
        string known = Path.Combine(_folder, "known-writes.txt");
        int stride = Environment.GetEnvironmentVariable("DIPACO_TEST_EVERY_WRITE") is null ? 37 : 1;
        int first = Rotation.FirstOf(stride);
        int killed = -1;
        string last;
        do
        {
            using TrainingProcess process = TrainingProcess.Start(
                _config, run, "new", stride.ToString(CultureInfo.InvariantCulture), known, first.ToString(CultureInfo.InvariantCulture));
            last = await process.EndAsync(Cancellation);
            killed++;
        }
        while (last == "started");

        TestContext.Current.SendDiagnosticMessage($"killed {killed} times at {File.ReadLines(known).Count()} writes");
        Assert.True(killed > 10, $"The run was killed only {killed} times: the test shows little.");
        Assert.True(last.StartsWith("finished", StringComparison.Ordinal), $"{last} ({Rotation.Hint})");
        Assert.True(reference.Contents.SequenceEqual(RunContents.Of(run)), $"The bytes differ ({Rotation.Hint}).");
    }

    [Fact]
    public async Task SecondProcessOnARun_IsRefusedAndToldWhoHoldsIt()
    {
        string run = reference.Run;
        using RunLock holder = RunLock.Acquire(run);
        using TrainingProcess second = TrainingProcess.Start(_config, run);
        string answer = await second.EndAsync(Cancellation);

        Assert.StartsWith("refused", answer, StringComparison.Ordinal);
        Assert.Contains($"process {Environment.ProcessId}", answer, StringComparison.Ordinal);
    }
}
