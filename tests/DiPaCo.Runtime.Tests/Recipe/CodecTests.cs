using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Recipe;

/// <summary>Runs whose contributions travel as encoded deltas.</summary>
public sealed class CodecTests : IDisposable
{
    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task ARunWithACodec_SendsLess_LearnsAsWell_AndSurvivesBeingStopped()
    {
        RunResults exact = await _runs.TrainAsync("exact", Config(DeltaCodec.Fp32));
        RunResults whole = await _runs.TrainAsync("whole", Config(DeltaCodec.Int8));
        Assert.True(await _runs.TrainUntilAsync("stopped", (_, seen) => seen is PhaseFinished { Phase.Value: 1 }, Config(DeltaCodec.Int8)));

        RunResults resumed = await _runs.TrainAsync("stopped", Config(DeltaCodec.Int8));

        Assert.Equal(whole.ModelDigest, resumed.ModelDigest);
        Assert.Equal(_runs.Contents("whole"), _runs.Contents("stopped"));
        Assert.NotEqual(exact.ModelDigest, whole.ModelDigest);
        Assert.InRange(whole.Evaluation[0].Perplexity / exact.Evaluation[0].Perplexity, 0.98, 1.02);
        Assert.InRange((double)ContributionBytes("exact") / ContributionBytes("whole"), 3.7, 3.9);
        Assert.Empty((await _runs.VerifyAsync("whole")).Damaged);
    }

    [Fact]
    public async Task PrivateModulesWithoutAnOuterStep_AreTakenOverExactly()
    {
        RunConfig config = Config(DeltaCodec.Int4) with { Outer = new OuterOptimizerOptions { Codec = DeltaCodec.Int4, PrivateModules = false } };

        await _runs.TrainAsync("run", config);

        RunView run = new(_runs.File("run"));
        string lowest = run.Topology.Modules.First(module => module.Paths.Length == 1).Id.Name;
        string[] last = [.. run.Entries.Where(entry => entry.Kind == "train" && entry.Outputs.ContainsKey(lowest)).Select(entry => entry.Outputs[lowest].Hex)];
        Assert.Equal(last[^1], run.Model!.Modules[lowest].Hex);
    }

    private long ContributionBytes(string name) => new RunView(_runs.File(name)).Entries
        .Where(entry => entry.Kind == "train" && !entry.Outputs.ContainsKey("dense"))
        .Sum(entry => TrainMetrics.Of(new TaskResult(entry.Outputs, entry.Metrics)).ContributionBytes);

    private RunConfig Config(DeltaCodec codec) => _runs.Config with
    {
        Recipe = _runs.Config.Recipe with { Phases = 3 },
        Outer = _runs.Config.Outer with { Codec = codec },
        Evaluation = _runs.Config.Evaluation with { DenseEqualSteps = false },
    };
}
