using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Recipe;

/// <summary>Runs whose contributions are folded while other paths still train: a 2×2 grid, whose embedding all four paths share.</summary>
public sealed class FoldTests : IDisposable
{
    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task FoldsOfOnePath_AreMadeInBetween_LeaveTheSameModelAndMetrics_AndGoWithTheirPhase()
    {
        RunResults plain = await _runs.TrainAsync("plain", Config(0));
        RunResults folded = await _runs.TrainAsync("folded", Config(1));

        Assert.Equal(plain.ModelDigest, folded.ModelDigest);
        Assert.Equal(plain.OuterGradients, folded.OuterGradients);
        Assert.Equal(plain.Evaluation, folded.Evaluation);
        Assert.Equal(Blobs("plain"), Blobs("folded"));
        Assert.Empty((await _runs.VerifyAsync("folded")).Damaged);

        RunView run = new(_runs.File("folded"));
        JournalEntry[] folds = [.. run.Entries.Where(entry => entry.Kind == "fold")];
        int each = run.Topology.Modules.Sum(module => module.Paths.Length - 1);
        Assert.Equal(each * run.Config.Recipe.Phases, folds.Length);
        Assert.DoesNotContain(folds, fold => run.Expected.Contains(fold.Outputs[FoldSpec.SumsOutput]));
        Assert.All(
            run.Entries.Where(entry => entry.Kind == "outer" && entry.Inputs.Intersect(folds.SelectMany(fold => fold.Outputs.Values)).Any()),
            outer => Assert.InRange(outer.Inputs.Length, 3, 4));

        // The first sums are there before the last path of the phase is.
        string[] kinds = [.. run.Entries.Select(entry => entry.Kind)];
        int outerStep = Array.IndexOf(kinds, "outer");
        Assert.InRange(Array.IndexOf(kinds, "fold"), 0, Array.LastIndexOf(kinds, "train", outerStep));
    }

    [Theory]
    [InlineData(DeltaCodec.Fp32, 2)]
    [InlineData(DeltaCodec.Int8, 1)]
    public async Task WhoeverComesFirst_AndWhicheverPathsHaveATurn_TheBytesAreTheSame(DeltaCodec codec, int foldPaths)
    {
        RunConfig plain = Config(0) with { Outer = new OuterOptimizerOptions { Codec = codec } };
        plain = plain with { Recipe = plain.Recipe with { Phases = 4, PathsPerPhase = codec == DeltaCodec.Int8 ? 3 : 0 } };
        RunConfig folded = plain with { Outer = plain.Outer with { FoldPaths = foldPaths } };
        UnevenCluster cluster = new(task => task is TrainSpec { Order: 0, FirstStep: 0 }, task => task is TrainSpec { Order: 3 });
        RunResults expected = await _runs.TrainAsync("plain", plain);

        RunResults found = await _runs.TrainAsync("folded", folded, cluster: cluster);

        Assert.Equal(expected.ModelDigest, found.ModelDigest);
        Assert.Equal(expected.OuterGradients, found.OuterGradients);
        Assert.Equal(Blobs("plain"), Blobs("folded"));
        Assert.Contains(new RunView(_runs.File("folded")).Entries, entry => entry.Kind == "fold");
    }

    [Fact]
    public async Task ARunThatIsStoppedInAPhaseWithFolds_GoesOnFromThem_AndLostSumsAreMadeAgain()
    {
        await _runs.TrainAsync("whole", Config(1));
        // In the second phase, so that the folds of the first one are let go already.
        Assert.True(await _runs.TrainUntilAsync("stopped", (_, seen) => seen is StepMade { Path.Value: 2, Phase.Value: 1 }, Config(1)));
        RunView stopped = new(_runs.File("stopped"));
        JournalEntry[] folds = [.. stopped.Entries.Where(entry => entry.Kind == "fold" && stopped.Expected.Contains(entry.Outputs[FoldSpec.SumsOutput]))];
        Assert.NotEmpty(folds);
        File.Delete(stopped.FileOf(folds[^1].Outputs[FoldSpec.SumsOutput]));
        Assert.Single((await _runs.VerifyAsync("stopped")).Damaged);
        await _runs.VerifyAsync("stopped", repair: true);

        await _runs.TrainAsync("stopped", Config(1));

        Assert.Equal(Blobs("whole"), Blobs("stopped"));
        Assert.Empty((await _runs.VerifyAsync("stopped")).Damaged);

        // Without damage nothing is made twice: journals are the same, too.
        Assert.True(await _runs.TrainUntilAsync("again", (_, seen) => seen is StepMade { Path.Value: 3, Phase.Value: 1 }, Config(1)));
        await _runs.TrainAsync("again", Config(1));
        Assert.Equal(_runs.Contents("whole"), _runs.Contents("again"));
    }

    private RunConfig Config(int foldPaths) => _runs.Config with
    {
        Outer = _runs.Config.Outer with { FoldPaths = foldPaths },
        Evaluation = _runs.Config.Evaluation with { DenseEqualSteps = false },
    };

    private string[] Blobs(string name) => [.. _runs.Contents(name).Where(file => file.StartsWith("blobs", StringComparison.Ordinal))];
}
