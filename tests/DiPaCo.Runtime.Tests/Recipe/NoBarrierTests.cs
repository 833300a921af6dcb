using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Recipe;

/// <summary>Phases without a global barrier: a 2×2 grid in which path 3 shares no module with path 0.</summary>
public sealed class NoBarrierTests : IDisposable
{
    private const int Phases = 4;

    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    private RunConfig Config => _runs.Config with
    {
        Topology = _runs.Config.Topology with { Embedding = Sharing.Level },
        Recipe = _runs.Config.Recipe with { Phases = Phases },
        Evaluation = _runs.Config.Evaluation with { DenseEqualSteps = false },
    };

    [Fact]
    public async Task APath_BeginsItsNextPhase_WhileAnotherHasNotEndedTheOneBefore_AndTheBytesAreTheSame()
    {
        UnevenCluster cluster = Uneven();
        EventLog events = new();

        RunResults uneven = await _runs.TrainAsync("uneven", Config, events, cluster: cluster);
        RunResults plain = await _runs.TrainAsync("plain", Config);

        Assert.Equal(1, cluster.Held);
        Assert.Equal(plain.ModelDigest, uneven.ModelDigest);
        Assert.Equal(plain.Evaluation, uneven.Evaluation);
        Assert.Equal(plain.Validation, uneven.Validation);
        Assert.Equal(Blobs("plain"), Blobs("uneven"));
        Assert.Empty((await _runs.VerifyAsync("uneven")).Damaged);
        Assert.Equal(Enumerable.Range(0, Phases), events.Of<PhaseFinished>().Select(phase => phase.Phase.Value));
    }

    [Fact]
    public async Task ARunThatIsStopped_WhilePathsAreInDifferentPhases_EndsWithTheSameBytes()
    {
        RunResults plain = await _runs.TrainAsync("plain", Config);
        // Path 3 has made its second phase, and the first one has not ended.
        Assert.True(await _runs.TrainUntilAsync("stopped", (_, seen) => seen is StepMade { Path.Value: 3, Phase.Value: 1, Step: 4 }, Config, Uneven(Never)));
        JournalEntry[] stopped = [.. TaskJournal.ReadEntries(_runs.File("stopped"))];
        Assert.Equal(0, DiPaCo.Runtime.Recipe.Retention.PhasesEnded(stopped));

        RunResults resumed = await _runs.TrainAsync("stopped", Config, cluster: Uneven());

        Assert.Equal(plain.ModelDigest, resumed.ModelDigest);
        Assert.Equal(plain.Evaluation, resumed.Evaluation);
        Assert.Equal(Blobs("plain"), Blobs("stopped"));
        Assert.Empty((await _runs.VerifyAsync("stopped")).Damaged);
    }

    [Fact]
    public async Task TheLedger_OfEveryPhase_CountsWhatItsPathsHaveRead()
    {
        EventLog events = new();
        await _runs.TrainAsync("run", Config, events);
        PhaseLedger[] ledgers = [.. events.Of<PhaseFinished>().Select(phase => phase.Ledger!)];

        for (int phase = 0; phase < Phases; phase++)
        {
            StepMade[] steps = [.. events.Of<StepMade>().Where(step => step.Path is not null && step.Phase!.Value.Value == phase)];
            Assert.Equal(4, ledgers[phase].Paths);
            Assert.Equal(steps.Length, ledgers[phase].Steps);
            Assert.Equal(steps.Sum(step => step.Tokens), ledgers[phase].Tokens);
            Assert.InRange(ledgers[phase].Sequences, 1, steps.Length * Config.Recipe.BatchSequences);
            Assert.Equal((0, 0), (ledgers[phase].LostSteps, ledgers[phase].DuplicatedSteps));
        }
    }

    private static bool Never(TaskSpec task) => false;

    private static UnevenCluster Uneven(Func<TaskSpec, bool>? releases = null) => new(
        task => task is TrainSpec { Order: 0, FirstStep: 0 },
        releases ?? (task => task is TrainSpec { Order: 3, FirstStep: > 0 }));

    private string[] Blobs(string name) => [.. _runs.Contents(name).Where(file => file.StartsWith("blobs", StringComparison.Ordinal))];
}
