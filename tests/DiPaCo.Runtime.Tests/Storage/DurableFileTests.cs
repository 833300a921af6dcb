using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using DiPaCo.Tests;
using Xunit;

namespace DiPaCo.Runtime.Tests.Storage;

public sealed class DurableFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void CommittedFile_HasItsBytesAndTheStepsHappenInOrder()
    {
        var steps = new RecordedSteps();
        string path = _folder.File("deep/down/file");

        using (DurableFile file = DurableFile.Create(_folder.Path, steps))
        {
            file.Stream.Write([1, 2, 3]);
            Assert.Equal(BlobHash.Of([1, 2, 3]), file.Finish());
            Assert.False(File.Exists(path));
            file.Commit(path);
        }

        Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
        Assert.Equal(
            [StorageStep.TemporaryCreated, StorageStep.TemporaryWritten, StorageStep.TemporaryFlushed, StorageStep.Renamed, StorageStep.FolderFlushed],
            steps.Done);
        Assert.Empty(Directory.EnumerateFiles(_folder.Path));
    }

    [Fact]
    public void FileThatIsNotCommitted_LeavesTheOldOneAndNothingElse()
    {
        string path = _folder.File("file");
        File.WriteAllText(path, "old");

        using (DurableFile file = DurableFile.Create(_folder.Path))
        {
            file.Stream.Write([1, 2, 3]);
        }

        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal([path], Directory.EnumerateFiles(_folder.Path));
    }

    [Fact]
    public void AFileForItsOwnerOnly_IsReadByNobodyElse_EvenBeforeItIsFinished()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        string path = _folder.File("secret");

        using (DurableFile file = DurableFile.Create(_folder.Path, ownerOnly: true))
        {
            Assert.Equal(owner, File.GetUnixFileMode(Directory.EnumerateFiles(_folder.Path).Single()));
            file.Stream.Write([1]);
            file.Commit(path);
        }

        Assert.Equal(owner, File.GetUnixFileMode(path));
        Assert.Equal([1], File.ReadAllBytes(path));
    }

    [Fact]
    public void ReplacedFile_IsTheNewOne()
    {
        string path = _folder.File("file");
        DurableFile.WriteAllBytes(path, [1]);
        DurableFile.WriteAllBytes(path, [2, 3]);

        Assert.Equal([2, 3], File.ReadAllBytes(path));
    }

    [Fact]
    public void Leftovers_AreRemovedButNotTheFilesOfLiveWritersAndStrangers()
    {
        string leftover = _folder.File($"dipaco-{Guid.NewGuid():N}.tmp");
        string stranger = _folder.File("dipaco-notes.tmp");
        File.WriteAllText(leftover, "");
        File.WriteAllText(stranger, "");
        using DurableFile live = DurableFile.Create(_folder.Path);

        int removed = TemporaryFiles.RemoveLeftovers(_folder.Path, SilentStorageSteps.Instance);

        Assert.Equal(1, removed);
        Assert.False(File.Exists(leftover));
        Assert.True(File.Exists(stranger));
        live.Commit(_folder.File("finished"));
    }

    [Fact]
    public void FolderBelowAFile_IsExplained()
    {
        string file = _folder.File("file");
        File.WriteAllText(file, "");

        StorageException exception = Assert.Throws<StorageException>(() => DurableFile.Create(Path.Combine(file, "below")));

        Assert.StartsWith($"Cannot create a file in '{Path.Combine(file, "below")}': ", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FolderWithoutPermission_IsExplained()
    {
        // The one folder in which even root may not create files.
        Assert.SkipUnless(Directory.Exists("/sys/kernel"), "Needs Linux's /sys.");

        StorageException exception = Assert.Throws<StorageException>(() => DurableFile.Create("/sys/kernel"));

        Assert.Equal("/sys/kernel", exception.Path);
        Assert.True(
            exception.Message is "Cannot create a file in '/sys/kernel': access is denied. Give this user the right to write there, or use another folder."
                or "Cannot create a file in '/sys/kernel': the file system is read-only. Use a folder that can be written to.",
            exception.Message);
    }

    [Fact]
    public void FullDisk_IsExplainedAndLeavesNothingBehind()
    {
        using SmallDisk disk = SmallDisk.MountOrSkip(_folder.File("disk"));

        StorageException exception = Assert.Throws<StorageException>(
            () => DurableFile.WriteAllBytes(Path.Combine(disk.Path, "large"), new byte[2 << 20]));

        Assert.EndsWith("': the disk is full. Free some space and repeat the command: it continues where it stopped.", exception.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(disk.Path));
        DurableFile.WriteAllBytes(Path.Combine(disk.Path, "small"), new byte[1 << 10]);
    }

    [Fact]
    public void ReadOnlyDisk_IsExplained()
    {
        using SmallDisk disk = SmallDisk.MountOrSkip(_folder.File("disk"));
        disk.MakeReadOnly();

        StorageException exception = Assert.Throws<StorageException>(() => DurableFile.Create(disk.Path));

        Assert.Equal($"Cannot create a file in '{disk.Path}': the file system is read-only. Use a folder that can be written to.", exception.Message);
    }
}
