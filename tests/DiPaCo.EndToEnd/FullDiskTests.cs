using System.Diagnostics;
using DiPaCo.RunHost;
using DiPaCo.Runtime;
using DiPaCo.Runtime.Storage;
using DiPaCo.Tests;
using Xunit;

namespace DiPaCo.EndToEnd;

/// <summary>A disk that cannot be written to is explained, leaves nothing half-written, and once it can be, the run goes on.</summary>
public sealed class FullDiskTests(UninterruptedRun reference) : IClassFixture<UninterruptedRun>
{
    private readonly string _folder = reference.Folder;
    private readonly string _config = reference.Config;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Full before, during and after the first stages.</summary>
    [Theory]
    [InlineData("100k")]
    [InlineData("500k")]
    [InlineData("1200k")]
    public async Task FullDisk_StopsTheRun_WhichGoesOnWhenThereIsRoom(string size)
    {
        using SmallDisk disk = SmallDisk.MountOrSkip(Path.Combine(_folder, $"disk-{size}"), size);
        string run = Path.Combine(disk.Path, "run");

        string refusal = await TrainAsync(run);
        string[] leftovers = Directory.GetFiles(disk.Path, "*.tmp", SearchOption.AllDirectories);
        await AssertSoundAsync(run);
        disk.MakeWritable("64m");
        string answer = await TrainAsync(run);

        Assert.StartsWith("refused", refusal, StringComparison.Ordinal);
        Assert.Contains("the disk is full", refusal, StringComparison.Ordinal);
        Assert.Contains(run, refusal, StringComparison.Ordinal);
        Assert.Empty(leftovers);
        Assert.StartsWith("finished", answer, StringComparison.Ordinal);
        Assert.Equal(reference.Contents, RunContents.Of(run));
    }

    [Fact]
    public async Task ReadOnlyFolder_IsNamed_AndLeftAsItIs()
    {
        using SmallDisk disk = SmallDisk.MountOrSkip(Path.Combine(_folder, "read-only"));
        disk.MakeReadOnly();

        string refusal = await TrainAsync(Path.Combine(disk.Path, "run"));

        Assert.Contains($"'{Path.Combine(disk.Path, "run")}': the file system is read-only", refusal, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(disk.Path));
    }

    [Fact]
    public async Task RunOnADiskThatBecameReadOnly_CanStillBeLookedAt_AndGoesOnLater()
    {
        using SmallDisk disk = SmallDisk.MountOrSkip(Path.Combine(_folder, "remounted"), "64m");
        string run = Path.Combine(disk.Path, "run");
        using (TrainingProcess dying = TrainingProcess.Start(_config, run, nameof(StorageStep.JournalFlushed), "20"))
        {
            await dying.EndAsync(Cancellation);
        }

        disk.MakeReadOnly();
        string refusal = await TrainAsync(run);
        await AssertSoundAsync(run);
        disk.MakeWritable("64m");
        await TrainAsync(run);

        Assert.Contains("the file system is read-only", refusal, StringComparison.Ordinal);
        Assert.Equal(reference.Contents, RunContents.Of(run));
    }

    [Fact]
    public async Task FileSizeLimit_IsExplained_AndTheRunGoesOnWithoutIt()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs a shell with ulimit.");
        string run = Path.Combine(_folder, "limited");
        // The runtime itself makes large files in memory unless told not to.
        ProcessStartInfo limited = new("bash", ["-c", "trap '' XFSZ; export DOTNET_EnableWriteXorExecute=0; ulimit -f 100; exec dotnet \"$@\"", "bash"]);

        string refusal = await TrainAsync(run, limited);
        string answer = await TrainAsync(run);

        Assert.Contains("the file would exceed the largest size that is allowed here. Raise the limit (ulimit -f)", refusal, StringComparison.Ordinal);
        Assert.StartsWith("finished", answer, StringComparison.Ordinal);
        Assert.Equal(reference.Contents, RunContents.Of(run));
    }

    private async Task<string> TrainAsync(string run, ProcessStartInfo? shell = null)
    {
        using TrainingProcess process = shell is null ? TrainingProcess.Start(_config, run) : TrainingProcess.StartIn(shell, _config, run);
        return await process.EndAsync(Cancellation);
    }

    /// <summary>What is there can be looked at and is whole; a run that never began to train has left nothing.</summary>
    private static async Task AssertSoundAsync(string run)
    {
        if (RunFolder.Exists(run))
        {
            Assert.Equal(RunState.Stopped, (await RunEngine.StatusAsync(run, Cancellation)).State);
            Assert.Empty((await new RunEngine(TimeProvider.System).VerifyAsync(run, repair: false, new SilentObserver(), Cancellation)).Damaged);
        }
    }
}
