using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Recipe;

/// <summary>Module-wise synchronous training, the baseline of the paper's section 4.5.</summary>
public sealed class SynchronousTests : IDisposable
{
    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Theory]
    [InlineData(ComputeType.Fp32)]
    [InlineData(ComputeType.Bf16)]
    public async Task OnePath_IsPlainAdamW(ComputeType compute)
    {
        RunConfig config = Synchronous(new TopologyOptions
        {
            Embedding = Sharing.Shared,
            Head = Sharing.Shared,
            Levels = [new LevelOptions { Blocks = 1 }, new LevelOptions { Blocks = 1 }],
        });
        config = config with { Transformer = config.Transformer with { Compute = compute } };
        await _runs.TrainAsync("run", config);
        RunView run = new(_runs.File("run"));
        using Workbench bench = new(run);

        TaskResult alone = await bench.ExecuteAsync(run.Inner(await bench.ForkedAsync(new PathId(0)), new PathId(0), 0, 4, null));

        Assert.All(run.Topology.Modules, module => Assert.Equal(alone[module.Id.Name], run.Model!.Modules[module.Id.Name]));
    }

    [Fact]
    public async Task PrivatePaths_AreEveryPathAloneOnItsShard()
    {
        await _runs.TrainAsync("run", Synchronous(new TopologyOptions
        {
            Embedding = Sharing.Private,
            Head = Sharing.Private,
            Levels = [new LevelOptions { Blocks = 2, Sharing = Sharing.Private }],
            Replicas = 2,
        }));
        RunView run = new(_runs.File("run"));
        using Workbench bench = new(run);

        foreach (PathId path in run.Topology.Paths)
        {
            TaskResult alone = await bench.ExecuteAsync(run.Inner(await bench.ForkedAsync(path), path, 0, 4, null));
            Assert.All(run.Topology.ModulesOf(path), module => Assert.Equal(alone[module.Id.Name], run.Model!.Modules[module.Id.Name]));
        }
    }

    [Fact]
    public async Task AGrid_LearnsAndResumes()
    {
        RunConfig config = Synchronous(_runs.Config.Topology);
        RunResults whole = await _runs.TrainAsync("whole", config);
        Assert.True(await _runs.TrainUntilAsync("stopped", (_, runEvent) => runEvent is PhaseFinished { Phase.Value: 0 }, config));

        RunResults resumed = await _runs.TrainAsync("stopped", config);

        Assert.Equal(whole.ModelDigest, resumed.ModelDigest);
        Assert.Equal(_runs.Contents("whole"), _runs.Contents("stopped"));
        Assert.True((await _runs.VerifyAsync("whole")).IsSound);
        Assert.True(whole.Evaluation[0].Perplexity < whole.Evaluation.Single(row => row.Kind == ModelKind.DenseBase).Perplexity);
        Assert.Equal(4 + 4, whole.Evaluation[0].Steps);
    }

    private RunConfig Synchronous(TopologyOptions topology) => _runs.Config with
    {
        Topology = topology,
        Recipe = _runs.Config.Recipe with { Training = TrainingMode.Synchronous },
        Evaluation = _runs.Config.Evaluation with { DenseEqualSteps = false },
    };
}
