using DiPaCo.Cli.Tests.Support;
using DiPaCo.Tests;
using Xunit;

namespace DiPaCo.Cli.Tests;

/// <summary>The built program on disks that take nothing more: it says so, and leaves nothing half-written.</summary>
public sealed class DiskTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public DiskTests()
    {
        SmallProject.WriteCorpus(_folder["corpus"]);
        File.WriteAllText(_folder["mine.yaml"], $"name: mine\nsize: tiny\ndata: {{ paths: [corpus] }}\n{SmallProject.Configuration}");
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Full at the first write, in the midst of the tokens, and in the midst of training.</summary>
    [Theory]
    [InlineData("4k", false)]
    [InlineData("160k", true)]
    [InlineData("1200k", true)]
    public async Task TrainingOnAFullDisk_SaysSo_AndGoesOnWhenThereIsRoom(string size, bool begun)
    {
        using SmallDisk disk = SmallDisk.MountOrSkip(_folder["disk"], size);
        string run = Path.Combine(disk.Path, "run");

        ProgramResult full = await DipacoAsync("train", "mine.yaml", "--run", run);

        Assert.Equal(1, full.ExitCode);
        Assert.StartsWith("error: ", full.Error, StringComparison.Ordinal);
        Assert.Contains("the disk is full", full.Error, StringComparison.Ordinal);
        Assert.Contains(run, full.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", full.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(disk.Path, "*.tmp", SearchOption.AllDirectories));
        Assert.Equal(begun, File.Exists(Path.Combine(run, "run.json")));
        if (begun)
        {
            Assert.Equal(0, (await DipacoAsync("status", run)).ExitCode);
            Assert.Equal(0, (await DipacoAsync("verify", run)).ExitCode);
        }

        disk.MakeWritable("64m");
        ProgramResult trained = await DipacoAsync("train", "mine.yaml", "--run", run);
        Assert.Equal((0, ""), (trained.ExitCode, trained.Error));
        Assert.True(File.Exists(Path.Combine(run, "report.html")));
    }

    [Fact]
    public async Task TrainingIntoAReadOnlyFolder_SaysSo()
    {
        using SmallDisk disk = SmallDisk.MountOrSkip(_folder["disk"]);
        disk.MakeReadOnly();
        string run = Path.Combine(disk.Path, "run");

        ProgramResult refused = await DipacoAsync("train", "mine.yaml", "--run", run);

        Assert.Equal(1, refused.ExitCode);
        Assert.StartsWith($"error: Cannot write to the run '{run}': the file system is read-only", refused.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(disk.Path));
    }

    [Fact]
    public async Task ReportOnAFullDisk_KeepsTheOldOne()
    {
        using SmallDisk disk = SmallDisk.MountOrSkip(_folder["disk"], "64m");
        string run = Path.Combine(disk.Path, "run");
        Assert.Equal(0, (await DipacoAsync("train", "mine.yaml", "--run", run)).ExitCode);
        byte[] before = await File.ReadAllBytesAsync(Path.Combine(run, "report.html"), TestContext.Current.CancellationToken);
        Fill(Path.Combine(disk.Path, "ballast"));

        ProgramResult refused = await DipacoAsync("report", run);

        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("the disk is full", refused.Error, StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllBytesAsync(Path.Combine(run, "report.html"), TestContext.Current.CancellationToken));
        Assert.Empty(Directory.GetFiles(run, "*.tmp", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task ConfigurationIntoAReadOnlyFolder_SaysSo()
    {
        using SmallDisk disk = SmallDisk.MountOrSkip(_folder["disk"]);
        disk.MakeReadOnly();

        ProgramResult refused = await DipacoAsync("init", "-o", Path.Combine(disk.Path, "new.yaml"));

        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("the file system is read-only", refused.Error, StringComparison.Ordinal);
    }

    private Task<ProgramResult> DipacoAsync(params string[] arguments) => Programs.DipacoAsync(_folder.Path, arguments);

    private static void Fill(string file)
    {
        using FileStream ballast = new(file, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        Assert.Throws<IOException>(() => WriteForever(ballast));
    }

    private static void WriteForever(FileStream file)
    {
        for (byte[] block = new byte[4096]; ;)
        {
            file.Write(block);
        }
    }
}
