using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using DiPaCo.StorageHost;
using Xunit;

namespace DiPaCo.Runtime.Tests.Storage;

/// <summary>Real processes, ended at every storage step and at arbitrary moments, leave a run that goes on as if nothing had been.</summary>
public sealed class KilledProcessTests : IDisposable
{
    private const int Tasks = 2;

    private static readonly string TaskCount = Tasks.ToString(CultureInfo.InvariantCulture);

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task RunKilledAtAnyStep_EndsWithTheSameBytesAsAnUninterruptedOne()
    {
        int steps = await WorkAsync(_folder.File("reference"));
        string[] expected = Contents(_folder.File("reference"));

        for (int step = 1; step <= steps; step++)
        {
            string folder = _folder.File($"killed-at-{step}");
            await DieAsync(folder, step);
            await SmallRun.WorkAsync(folder, Tasks, SilentStorageSteps.Instance, TextWriter.Null);
            Assert.Equal(expected, Contents(folder));
        }
    }

    [Fact]
    public async Task RunKilledAgainAndAgain_EndsWithTheSameBytesAsAnUninterruptedOne()
    {
        await SmallRun.WorkAsync(_folder.File("reference"), Tasks, SilentStorageSteps.Instance, TextWriter.Null);
        string folder = _folder.File("killed");
        // Later and later, so that each process also meets what the one before has left behind.
        for (int step = 2; step <= 14; step += 3)
        {
            await DieAsync(folder, step);
        }

        await SmallRun.WorkAsync(folder, Tasks, SilentStorageSteps.Instance, TextWriter.Null);
        Assert.Equal(Contents(_folder.File("reference")), Contents(folder));
    }

    [Fact]
    public async Task RunKilledFromOutside_HasEverythingThatItsJournalPromises()
    {
        string folder = _folder.File("run");
        var random = new RandomStream(1, "moments to kill at");
        for (int kill = 0; kill < 4; kill++)
        {
            using var process = HostProcess.Start("work", folder, "100000");
            int finished = 0;
            for (int line = random.NextInt32(40); line >= 0; line--)
            {
                string? text = await process.ReadLineAsync(Cancellation);
                Assert.StartsWith("done ", text, StringComparison.Ordinal);
                finished = int.Parse(text.AsSpan(5), CultureInfo.InvariantCulture) + 1;
            }

            await process.KillAsync(Cancellation);

            using var journal = TaskJournal.OpenForReading(folder);
            var blobs = new FolderBlobStore(new RunPaths(folder).Blobs);
            Assert.True(journal.Entries.Count >= finished, "A task that was reported as finished is not in the journal.");
            foreach (BlobHash hash in journal.Entries.SelectMany(entry => entry.Outputs.Values))
            {
                Assert.Equal(BlobCondition.Intact, await blobs.VerifyAsync(hash, Cancellation));
            }
        }
    }

    [Fact]
    public async Task LockOfALivingProcess_ExcludesAndNamesIt_AndEndsWithIt()
    {
        using var holder = HostProcess.Start("hold", _folder.Path);
        Assert.Equal("held", await holder.ReadLineAsync(Cancellation));

        RunLockedException refusal = Assert.Throws<RunLockedException>(() => RunLock.Acquire(_folder.Path));
        await holder.KillAsync(Cancellation);
        using var after = RunLock.Acquire(_folder.Path);

        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"process {holder.Id} on {Environment.MachineName}"), refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FileSizeLimit_IsExplained_AndTheRunGoesOnWithoutIt()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs a shell with ulimit.");
        string folder = _folder.File("run");
        // The runtime itself makes large files in memory unless told not to.
        using (var limited = HostProcess.StartInShell("trap '' XFSZ; export DOTNET_EnableWriteXorExecute=0; ulimit -f 300", "work", folder, TaskCount))
        {
            (int exitCode, string output) = await limited.EndAsync(Cancellation);
            Assert.Equal(1, exitCode);
            Assert.Contains("the file would exceed the largest size that is allowed here. Raise the limit", output, StringComparison.Ordinal);
        }

        Assert.Empty(Directory.EnumerateFiles(folder, "*.tmp", SearchOption.AllDirectories));
        await SmallRun.WorkAsync(folder, Tasks, SilentStorageSteps.Instance, TextWriter.Null);
        await SmallRun.WorkAsync(_folder.File("reference"), Tasks, SilentStorageSteps.Instance, TextWriter.Null);
        Assert.Equal(Contents(_folder.File("reference")), Contents(folder));
    }

    private static async Task<int> WorkAsync(string folder)
    {
        using var process = HostProcess.Start("work", folder, TaskCount);
        (int exitCode, string output) = await process.EndAsync(Cancellation);
        Assert.True(exitCode == 0, $"Exit code {exitCode}: {output}");
        string last = output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[^1];
        return int.Parse(last["steps ".Length..], CultureInfo.InvariantCulture);
    }

    private static async Task DieAsync(string folder, int step)
    {
        using var process = HostProcess.Start("work", folder, TaskCount, step.ToString(CultureInfo.InvariantCulture));
        (int exitCode, string output) = await process.EndAsync(Cancellation);
        Assert.True(exitCode is not (0 or 1), $"The process did not die at step {step}: {output}");
    }

    /// <summary>Every file with the hash of its bytes, but for what names processes and what may repeat itself.</summary>
    private static string[] Contents(string folder) =>
    [
        .. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Select(file => (Name: Path.GetRelativePath(folder, file), File: file))
            .Where(file => file.Name is not ("run.lock" or "run.holder" or "metrics.jsonl"))
            .OrderBy(file => file.Name, StringComparer.Ordinal)
            .Select(file => $"{file.Name} {BlobHash.Of(File.ReadAllBytes(file.File))}"),
    ];
}
