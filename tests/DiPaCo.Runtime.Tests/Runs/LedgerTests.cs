using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Recipe;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Runs;

/// <summary>The token ledger: what stands in the journal, what the tasks themselves have reported, and what the shards hold agree.</summary>
public sealed class LedgerTests : IDisposable
{
    private static readonly string s_task = BlobHash.Of([1]).Hex, s_other = BlobHash.Of([2]).Hex;
    private static readonly BlobHash s_shard = BlobHash.Of([3]), s_newShard = BlobHash.Of([4]);

    private readonly TestRuns _runs = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task ARun_SaysOfEveryPhaseWhatEachPathRead_DownToTheDocuments()
    {
        RunConfig config = _runs.Config with { Recipe = _runs.Config.Recipe with { Phases = 3, LossOnPrefix = false } };
        EventLog events = new();
        await _runs.TrainAsync("run", config, events);

        TokenLedger ledger = RunEngine.ReadLedger(_runs.File("run"));

        Assert.True(ledger.IsBalanced, string.Join("; ", ledger.Contradictions));
        Assert.Equal([0, 1, 2], ledger.Phases.Select(phase => phase.Phase.Value));
        Assert.All(ledger.Phases, phase => Assert.Equal([0, 1, 2, 3], phase.Paths.Select(path => path.Path.Value)));
        foreach (PathConsumption path in ledger.Phases.SelectMany(phase => phase.Paths))
        {
            ImmutableArray<DocumentConsumption> documents = await RunEngine.ReadDocumentsAsync(_runs.File("run"), path, Cancellation);
            Assert.Equal(path.Tokens, documents.Sum(document => document.Tokens));
            Assert.Equal(path.Sequences, documents.Sum(document => document.Sequences));
        }

        StepMade[] steps = [.. events.Of<StepMade>().Where(step => step.Path is not null && step.Phase is not null)];
        Assert.Equal(steps.Sum(step => step.Tokens), ledger.Tokens);
        Assert.Equal(steps.Length, ledger.Phases.Sum(phase => phase.Paths.Sum(path => path.Steps)));
    }

    [Fact]
    public async Task StepsThatAreMissing_OrMadeTwice_AreCounted()
    {
        await BeginAsync(
            (4, 8, 80), [[Line(0, s_task, 0)], [Line(0, s_other, 6)], [Line(0, "third", 7)]]);

        TokenLedger ledger = RunEngine.ReadLedger(_runs.File("run"));

        Assert.Equal([0L, 2, 0], ledger.Phases.Select(phase => phase.LostSteps));
        Assert.Equal([0L, 0, 3], ledger.Phases.Select(phase => phase.DuplicatedSteps));
        Assert.False(ledger.IsBalanced);
    }

    [Fact]
    public async Task OnANewShard_StepsGoOn()
    {
        await BeginAsync(
            (4, 8, 80), [[Line(0, s_task, 0)], [Line(0, s_other, 4) with { Shard = [s_newShard] }]]);

        Assert.True(RunEngine.ReadLedger(_runs.File("run")).IsBalanced);
    }

    [Fact]
    public async Task ATaskThatCountsTwice_IsTold()
    {
        await BeginAsync((4, 8, 80), [[Line(0, s_task, 0), Line(1, s_task, 0)]]);

        TokenLedger ledger = RunEngine.ReadLedger(_runs.File("run"));

        Assert.Contains("phase 1, path 1: the task", Assert.Single(ledger.Contradictions), StringComparison.Ordinal);
        Assert.False(ledger.IsBalanced);
    }

    [Fact]
    public async Task NumbersThatAreNotTheTasksOwn_AreTold()
    {
        await BeginAsync((4, 8, 81), [[Line(0, s_task, 0)]]);

        Assert.Contains("8 sequences and 80 tokens, the task 4, 8 and 81", Assert.Single(RunEngine.ReadLedger(_runs.File("run")).Contradictions), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ATaskOfAnotherShard_OrOfNone_IsTold()
    {
        await BeginAsync((4, 8, 80), [[Line(0, s_task, 0) with { Shard = [BlobHash.Of([9])] }, Line(1, "unknown-task", 0)]]);

        Assert.Collection(
            RunEngine.ReadLedger(_runs.File("run")).Contradictions,
            first => Assert.Contains("path 0: the task has read another shard", first, StringComparison.Ordinal),
            second => Assert.Contains("path 1: the journal has no training task unknown-", second, StringComparison.Ordinal));
    }

    [Fact]
    public async Task ALineThatSaysOtherTokensThanTheShardHas_IsRefused()
    {
        await _runs.TrainAsync("run");
        PathConsumption line = RunEngine.ReadLedger(_runs.File("run")).Phases[0].Paths[0];

        DiPaCoException refused = await Assert.ThrowsAsync<DiPaCoException>(() => RunEngine.ReadDocumentsAsync(_runs.File("run"), line with { FirstStep = line.FirstStep + 1 }, Cancellation));

        Assert.Contains($"the ledger has {line.Tokens}", refused.Message, StringComparison.Ordinal);
    }

    private static PathConsumption Line(int path, string task, long first) => new(new PathId(path), task, first, 4, 8, 80, [s_shard]);

    /// <summary>A run of which nothing but its journal is written: the training tasks that lines name, and the ends of phases.</summary>
    private async Task BeginAsync((long Steps, long Sequences, long Tokens) made, PathConsumption[][] phases)
    {
        using RunFolder run = RunFolder.OpenOrCreate(
            _runs.File("run"), RunInfo.Of("0.1.0", JsonSerializer.Deserialize<JsonElement>(RunConfigJson.Serialize(_runs.Config))), "text", []);
        using TaskJournal journal = TaskJournal.OpenForWriting(run.Lock);
        TrainMetrics metrics = new(made.Steps, 1, made.Tokens, 1, made.Sequences);
        foreach (string task in phases.SelectMany(phase => phase).Select(line => line.Task).Distinct().Where(task => !task.StartsWith("unknown", StringComparison.Ordinal)))
        {
            await journal.AppendAsync(
                new JournalEntry(task, "train", [s_shard, s_newShard], ImmutableSortedDictionary<string, BlobHash>.Empty, JsonSerializer.Serialize(metrics, TaskJson.Options)), Cancellation);
        }

        Retention retention = new(new FolderBlobStore(run.Paths.Blobs), journal);
        for (int phase = 0; phase < phases.Length; phase++)
        {
            await retention.ReleaseAsync(Retention.EndOf(new Phase(phase)), [], Cancellation, "digest", [.. phases[phase]]);
        }
    }
}
