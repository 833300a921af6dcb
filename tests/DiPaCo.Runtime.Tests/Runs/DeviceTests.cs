using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Experiments;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Runs;

/// <summary>A CPU and a GPU round differently, so a run ends on the kind of device that it began on.</summary>
public sealed class DeviceTests(ReferenceRun reference) : IDisposable
{
    private readonly TestRuns _runs = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _runs.Dispose();

    [Fact]
    public void Journal_BeginsWithTheKindOfDevice()
    {
        JournalEntry first = reference.View.Entries[0];
        using JsonDocument record = JsonDocument.Parse(first.Metrics);

        Assert.Equal(("compute", "compute"), (first.Key, first.Kind));
        Assert.Equal("cpu", record.RootElement.GetProperty("device").GetString());
        Assert.Equal("2.10.0", record.RootElement.GetProperty("libtorch").GetString());
        Assert.Equal(MachineInfo.RoundingOf(ComputeType.Fp32), record.RootElement.GetProperty("simd").GetString());
    }

    [Fact]
    public async Task RunThatBeganOnAGpu_IsRefusedOnACpu_WithBothAndWhatToDo()
    {
        await BeginAsync("run", new ComputeRecord("cuda", "2.10.0", "AVX2"));
        byte[] before = await File.ReadAllBytesAsync(JournalOf("run"), Cancellation);

        DiPaCoException refusal = await Assert.ThrowsAsync<DiPaCoException>(() => _runs.TrainAsync("run"));

        Assert.Contains("began on the device cuda and would go on on cpu", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("'device: cuda' in the configuration, or train into another folder (--run)", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllBytesAsync(JournalOf("run"), Cancellation));
    }

    [Fact]
    public async Task RunThatBeganOnAnotherKindOfProcessor_GoesOn_AndSaysSo()
    {
        await BeginAsync("run", new ComputeRecord("cpu", "2.10.0", "vectors of another kind"));
        EventLog events = new();

        await _runs.TrainAsync("run", observer: events);

        Assert.Contains(events.Of<RunNote>(), note => note.IsWarning && note.Text.Contains("and vectors of another kind, and goes on with", StringComparison.Ordinal));
        Assert.DoesNotContain(reference.Events.OfType<RunNote>(), note => note.Text.Contains("goes on with", StringComparison.Ordinal));
    }

    [Fact]
    public async Task SiblingsOnAnotherKindOfDevice_AreNotTakenFrom()
    {
        SiblingRuns siblings = new([reference.Folder]);
        TaskSpec spec = new InitializeSpec(reference.View.Model!.Shape, reference.View.Config.Seed);
        FolderBlobStore store = new(_runs.File("store"));

        Assert.NotNull(await siblings.OnDevice("cpu").FindAsync(spec, store, Cancellation));
        Assert.Null(await siblings.OnDevice("cuda").FindAsync(spec, store, Cancellation));
    }

    private string JournalOf(string name) => new RunPaths(_runs.File(name)).Journal;

    /// <summary>A run of which nothing but the beginning of its journal is written.</summary>
    private async Task BeginAsync(string name, ComputeRecord record)
    {
        using RunFolder run = RunFolder.OpenOrCreate(
            _runs.File(name), RunInfo.Of("0.1.0", JsonSerializer.Deserialize<JsonElement>(RunConfigJson.Serialize(_runs.Config))), "text", []);
        using TaskJournal journal = TaskJournal.OpenForWriting(run.Lock);
        await journal.AppendAsync(
            new JournalEntry(ComputeRecord.Kind, ComputeRecord.Kind, [], ImmutableSortedDictionary<string, BlobHash>.Empty, JsonSerializer.Serialize(record, TaskJson.Options)), Cancellation);
    }
}
