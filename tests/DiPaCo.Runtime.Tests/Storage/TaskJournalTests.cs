using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using DiPaCo.Tests;
using Xunit;

namespace DiPaCo.Runtime.Tests.Storage;

public sealed class TaskJournalTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string JournalPath => _folder.File("journal.jsonl");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Entries_ComeBackInOrder()
    {
        JournalEntry[] entries = [Entry(1), Entry(2), Entry(3) with { Metrics = """{"loss":"NaN","note":"ü\n<"}""" }];
        await AppendAsync(entries);

        using var journal = TaskJournal.OpenForReading(_folder.Path);

        Assert.Equal(entries.Select(Show), journal.Entries.Select(Show));
        Assert.True(journal.TryGet("task-2", out JournalEntry? second));
        Assert.Equal(Show(entries[1]), Show(second));
        Assert.False(journal.TryGet("task-4", out _));
    }

    [Fact]
    public async Task File_IsStable()
    {
        await AppendAsync([Entry(1)]);

        string hash = BlobHash.Of([1]).Hex;
        Assert.Equal(
            [
                """{"format":"dipaco-journal","version":1,"checksum":"HEADER"}""",
                $$"""{"key":"task-1","kind":"train","inputs":["{{BlobHash.Of([]).Hex}}"],"outputs":{"module":"{{hash}}"},"metrics":{"loss":1},"checksum":"LINE"}""",
            ],
            File.ReadAllLines(JournalPath).Select((line, index) => line.Replace(line[^18..^2], index == 0 ? "HEADER" : "LINE", StringComparison.Ordinal)));
        Assert.Equal("b0021fdf9eff0d85 010af44201945d24", string.Join(' ', File.ReadAllLines(JournalPath).Select(line => line[^18..^2])));
    }

    [Fact]
    public async Task LastLineTornAtAnyByte_IsCutOffAndTheRestGoesOn()
    {
        await AppendAsync([Entry(1), Entry(2)]);
        byte[] whole = await File.ReadAllBytesAsync(JournalPath, Cancellation);
        int lastLine = whole.AsSpan(0, whole.Length - 1).LastIndexOf((byte)'\n') + 1;

        for (int length = lastLine + 1; length < whole.Length; length++)
        {
            await File.WriteAllBytesAsync(JournalPath, whole[..length], Cancellation);
            using (var reading = TaskJournal.OpenForReading(_folder.Path))
            {
                Assert.Equal((1, length - lastLine), (reading.Entries.Count, reading.TornBytes));
            }

            await AppendAsync([]);
            Assert.Equal(whole[..lastLine], await File.ReadAllBytesAsync(JournalPath, Cancellation));
            await AppendAsync([Entry(2)]);
            Assert.Equal(whole, await File.ReadAllBytesAsync(JournalPath, Cancellation));
        }
    }

    [Fact]
    public async Task LastLineWithHolesOfAPowerFailure_IsCutOff()
    {
        await AppendAsync([Entry(1), Entry(2)]);
        byte[] whole = await File.ReadAllBytesAsync(JournalPath, Cancellation);
        byte[] holed = [.. whole];
        holed.AsSpan(holed.Length - 60, 20).Clear();
        await File.WriteAllBytesAsync(JournalPath, holed, Cancellation);

        await AppendAsync([Entry(2)]);

        Assert.Equal(whole, await File.ReadAllBytesAsync(JournalPath, Cancellation));
    }

    [Fact]
    public async Task AnyChangedByteBeforeTheEnd_IsRefusedWithItsLine()
    {
        await AppendAsync([Entry(1), Entry(2), Entry(3)]);
        byte[] whole = await File.ReadAllBytesAsync(JournalPath, Cancellation);
        for (int at = 0; at < whole.Length - 1; at++)
        {
            byte[] changed = [.. whole];
            changed[at] ^= 0x02;
            await File.WriteAllBytesAsync(JournalPath, changed, Cancellation);

            StorageException exception = Assert.Throws<StorageException>(() => TaskJournal.OpenForReading(_folder.Path));

            Assert.True(
                exception.Message.StartsWith($"{JournalPath}(", StringComparison.Ordinal) || exception.Message.Contains("format version", StringComparison.Ordinal),
                exception.Message);
        }
    }

    [Fact]
    public async Task MissingMovedOrRepeatedLine_IsRefused()
    {
        await AppendAsync([Entry(1), Entry(2), Entry(3)]);
        string[] lines = await File.ReadAllLinesAsync(JournalPath, Cancellation);

        foreach (int[] order in (int[][])[[0, 2, 3], [0, 1, 3], [0, 2, 1, 3], [0, 1, 1, 2, 3], [1, 2, 3], [0, 1, 2, 3, 0]])
        {
            await File.WriteAllLinesAsync(JournalPath, order.Select(line => lines[line]), Cancellation);
            using var runLock = RunLock.Acquire(_folder.Path);
            Assert.Throws<StorageException>(() => TaskJournal.OpenForWriting(runLock));
        }

        Assert.StartsWith(
            $"{JournalPath}(2): the line does not match its checksum: it, or a line before it, was changed or is missing.",
            Refusal([lines[0], lines[2]]),
            StringComparison.Ordinal);
    }

    [Fact]
    public void OtherFilesAndVersions_AreRefused()
    {
        Assert.Contains("(1): the line is not complete", Refusal([]), StringComparison.Ordinal);
        Assert.Contains("(1): the line is not the first line of a journal", Refusal(["hello"]), StringComparison.Ordinal);
        Assert.Contains("(1): the line is not the first line of a journal", Refusal(["{}"]), StringComparison.Ordinal);
        Assert.Contains("has format version 2; this dipaco reads version 1.", Refusal(["""{"format":"dipaco-journal","version":2,"new":[]}"""]), StringComparison.Ordinal);
        File.Delete(JournalPath);
        Assert.Contains("it does not exist", Assert.Throws<StorageException>(() => TaskJournal.OpenForReading(_folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AppendsFromManyThreads_AreAllThere()
    {
        using (var runLock = RunLock.Acquire(_folder.Path))
        using (var journal = TaskJournal.OpenForWriting(runLock))
        {
            await Task.WhenAll(Enumerable.Range(0, 100).Select(i => Task.Run(() => journal.AppendAsync(Entry(i), Cancellation))));
            Assert.Equal(100, journal.Entries.Count);
        }

        using var reading = TaskJournal.OpenForReading(_folder.Path);
        Assert.Equal(100, reading.Entries.Select(entry => entry.Key).Distinct().Count());
    }

    [Fact]
    public async Task JournalBeingWritten_CanBeRead()
    {
        using var runLock = RunLock.Acquire(_folder.Path);
        using var journal = TaskJournal.OpenForWriting(runLock);
        await journal.AppendAsync(Entry(1), Cancellation);

        using var reading = TaskJournal.OpenForReading(_folder.Path);

        Assert.Equal("task-1", Assert.Single(reading.Entries).Key);
        await Assert.ThrowsAsync<InvalidOperationException>(() => reading.AppendAsync(Entry(2), Cancellation));
    }

    [Fact]
    public async Task RepeatedTask_IsRecordedOnce_AndAContradictionIsRefused()
    {
        await AppendAsync([Entry(1), Entry(1) with { Metrics = """{"loss":2}""" }]);
        using (var reading = TaskJournal.OpenForReading(_folder.Path))
        {
            Assert.Equal("""{"loss":1}""", Assert.Single(reading.Entries).Metrics);
        }

        JournalEntry other = Entry(1) with { Outputs = Entry(2).Outputs };
        StorageException exception = await Assert.ThrowsAsync<StorageException>(() => AppendAsync([other]));
        Assert.StartsWith("The task 'task-1' (train) was computed again and gave other bytes", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MetricsOfSeveralLines_AreTheCallersMistake_AndChangeNothing()
    {
        await AppendAsync([Entry(1)]);
        byte[] before = await File.ReadAllBytesAsync(JournalPath, Cancellation);

        await Assert.ThrowsAsync<ArgumentException>(() => AppendAsync([Entry(2) with { Metrics = "{\n}" }]));

        Assert.Equal(before, await File.ReadAllBytesAsync(JournalPath, Cancellation));
    }

    [Fact]
    public async Task FullDisk_IsExplained_AndTheJournalGoesOnWhenThereIsSpace()
    {
        using SmallDisk disk = SmallDisk.MountOrSkip(_folder.File("disk"));
        using var runLock = RunLock.Acquire(disk.Path);
        using var journal = TaskJournal.OpenForWriting(runLock);
        string ballast = Path.Combine(disk.Path, "ballast");
        await Assert.ThrowsAsync<IOException>(() => File.WriteAllBytesAsync(ballast, new byte[2 << 20], Cancellation));

        int recorded = 0;
        StorageException? exception = null;
        while (exception is null)
        {
            try
            {
                // Longer than a page, so that a part of the line that fails gets into the file.
                await journal.AppendAsync(Entry(recorded) with { Metrics = $"\"{new string('x', 20_000)}\"" }, Cancellation);
                recorded++;
            }
            catch (StorageException e)
            {
                exception = e;
            }
        }

        Assert.Equal($"Cannot write '{Path.Combine(disk.Path, "journal.jsonl")}': the disk is full. Free some space and repeat the command: it continues where it stopped.", exception.Message);
        File.Delete(ballast);
        await journal.AppendAsync(Entry(recorded), Cancellation);
        using var reading = TaskJournal.OpenForReading(disk.Path);
        Assert.Equal((recorded + 1, 0L), (reading.Entries.Count, reading.TornBytes));
    }

    private static JournalEntry Entry(int number) => new(
        string.Create(CultureInfo.InvariantCulture, $"task-{number}"),
        "train",
        [BlobHash.Of([])],
        ImmutableSortedDictionary<string, BlobHash>.Empty.Add("module", BlobHash.Of([(byte)number])),
        string.Create(CultureInfo.InvariantCulture, $$"""{"loss":{{number}}}"""));

    private static string Show(JournalEntry entry) =>
        $"{entry.Key} {entry.Kind} {string.Join(',', entry.Inputs)} {string.Join(',', entry.Outputs)} {entry.Metrics}";

    private async Task AppendAsync(JournalEntry[] entries)
    {
        using var runLock = RunLock.Acquire(_folder.Path);
        using var journal = TaskJournal.OpenForWriting(runLock);
        foreach (JournalEntry entry in entries)
        {
            await journal.AppendAsync(entry, Cancellation);
        }
    }

    private string Refusal(string[] lines)
    {
        File.WriteAllText(JournalPath, string.Concat(lines.Select(line => line + '\n')), new UTF8Encoding(false));
        return Assert.Throws<StorageException>(() => TaskJournal.OpenForReading(_folder.Path)).Message;
    }
}
