using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Recipe;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Recipe;

/// <summary>What the method becomes in its corners: plain AdamW, independent runs, DiLoCo.</summary>
public sealed class SpecialCaseTests : IDisposable
{
    private static readonly OuterOptimizerOptions Identity = new() { LearningRate = 1, Momentum = 0 };
    private static readonly PathId First = new(0);

    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Theory]
    [InlineData(ComputeType.Fp32, 6)]
    [InlineData(ComputeType.Fp32, 2)]
    [InlineData(ComputeType.Fp32, 4)]
    [InlineData(ComputeType.Bf16, 6)]
    public async Task OnePath_WithUnitOuterStep_IsPlainAdamW(ComputeType compute, int stepsAtOnce)
    {
        RunConfig config = With(Levels(new LevelOptions { Blocks = 1 }, new LevelOptions { Blocks = 1, PrivateBlocks = [] }), Identity);
        config = config with { Transformer = config.Transformer with { Compute = compute } };
        await _runs.TrainAsync("run", config);
        RunView run = new(_runs.File("run"));
        using Workbench bench = new(run);

        Dictionary<ModuleId, BlobHash> trained = await TrainAloneAsync(run, bench, First, stepsAtOnce);

        Assert.Equal(6, config.Recipe.Phases * config.Recipe.InnerSteps);
        AssertModel(run, trained);
    }

    [Fact]
    public async Task OnePathOfOneModule_WithUnitOuterStep_IsTheDenseModel()
    {
        RunConfig config = With(Levels(new LevelOptions { Blocks = 2 }) with { Embedding = Sharing.Level, Head = Sharing.Level }, Identity);
        await _runs.TrainAsync("run", config);
        RunView run = new(_runs.File("run"));
        using Workbench bench = new(run);

        // The same training task as the base model's and the baselines', going on from the base model on all data.
        TrainSpec spec = run.Inner(DenseTrainer.ModelOf(run.Model!.Shape, config.Transformer.Compute, run.Model.Base.Parameters), First, 0, 6, null) with
        {
            Shard = run.Model.Chunks,
        };
        TaskResult dense = await bench.ExecuteAsync(spec);

        Assert.Equal(dense["dense"], Assert.Single(run.Model.Modules).Value);
    }

    [Fact]
    public async Task FlatMixture_WithUnitOuterStep_IsEveryPathAloneOnItsShard()
    {
        TopologyOptions flat = Levels(new LevelOptions { Blocks = 2, Sharing = Sharing.Private }) with
        {
            Embedding = Sharing.Private,
            Head = Sharing.Private,
            Replicas = 3,
        };
        await _runs.TrainAsync("run", With(flat, Identity));
        RunView run = new(_runs.File("run"));
        using Workbench bench = new(run);

        foreach (PathId path in run.Topology.Paths)
        {
            AssertModel(run, await TrainAloneAsync(run, bench, path, stepsAtOnce: 6));
        }

        Assert.Equal(3, run.Model!.Modules.Count / run.Topology.ModulesOf(First).Length);
    }

    [Theory]
    [InlineData(OuterWeights.ShardSize, OuterRescaling.None)]
    [InlineData(OuterWeights.Uniform, OuterRescaling.SquareRoot)]
    public async Task DiLoCo_IsOneModuleForAllPaths_WithOneOuterStepOverTheirWeightedMean(OuterWeights weights, OuterRescaling rescaling)
    {
        TopologyOptions diloco = Levels(new LevelOptions { Blocks = 2 }) with { Embedding = Sharing.Level, Head = Sharing.Level, Replicas = 3 };
        RunConfig config = With(diloco, new OuterOptimizerOptions
        {
            LearningRate = 0.5,
            Momentum = 0.8,
            Weights = weights,
            Rescaling = rescaling,
        });
        config = config with { Recipe = config.Recipe with { Phases = 1 }, Routing = config.Routing with { Method = RoutingMethod.Random } };
        await _runs.TrainAsync("run", config);
        RunView run = new(_runs.File("run"));
        using Workbench bench = new(run);
        ModuleDefinition module = Assert.Single(run.Topology.Modules);

        PathInput start = await bench.ForkedAsync(First);
        float[] theta = await ParametersAsync(start.Modules[0].Blob);
        double tokens = run.Shards.Sum(shard => shard.TrainTokens);
        double scale = rescaling == OuterRescaling.SquareRoot ? Math.Sqrt(3) : 1;
        double[] delta = new double[theta.Length];
        foreach (PathId path in run.Topology.Paths)
        {
            TaskResult end = await bench.ExecuteAsync(run.Inner(await bench.ForkedAsync(path), path, 0, 2, null));
            float[] own = await ParametersAsync(end[module.Id.Name]);
            double weight = weights == OuterWeights.Uniform ? 1.0 / 3 : run.Shards[path.Value].TrainTokens / tokens;
            for (int i = 0; i < delta.Length; i++)
            {
                delta[i] += scale * weight * ((double)theta[i] - own[i]);
            }
        }

        // m = Δ after the first phase, so θ ← θ − η (Δ + μ Δ).
        float[] next = await ParametersAsync(run.Model!.Modules[module.Id.Name]);
        Assert.True(delta.Max(Math.Abs) > 1e-3, "The paths did not move.");
        for (int i = 0; i < next.Length; i++)
        {
            Assert.Equal(theta[i] - (0.5 * 1.8 * delta[i]), next[i], 1e-7);
        }

        async Task<float[]> ParametersAsync(BlobHash blob)
        {
            float[] values = new float[module.Layout.Length];
            DiPaCo.Model.ModuleFile.Read(await bench.Store.GetFileAsync(blob, CancellationToken.None), module.Layout, values);
            return values;
        }
    }

    private static TopologyOptions Levels(params ImmutableArray<LevelOptions> levels) => new()
    {
        Embedding = Sharing.Shared,
        Head = Sharing.Shared,
        Levels = levels,
    };

    private RunConfig With(TopologyOptions topology, OuterOptimizerOptions outer) => _runs.Config with
    {
        Topology = topology,
        Outer = outer,
        Recipe = _runs.Config.Recipe with { Phases = 3 },
        Evaluation = _runs.Config.Evaluation with { DenseEqualSteps = false },
    };

    /// <summary>Trains a path from the fork to the end by training tasks alone; its modules' parameters.</summary>
    private static async Task<Dictionary<ModuleId, BlobHash>> TrainAloneAsync(RunView run, Workbench bench, PathId path, int stepsAtOnce)
    {
        PathInput model = await bench.ForkedAsync(path);
        BlobHash? optimizer = null;
        int steps = run.Config.Recipe.Phases * run.Config.Recipe.InnerSteps;
        for (int step = 0; step < steps; step += stepsAtOnce)
        {
            TaskResult result = await bench.ExecuteAsync(run.Inner(model, path, step, Math.Min(stepsAtOnce, steps - step), optimizer));
            model = model with { Modules = [.. model.Modules.Select(module => module with { Blob = result[module.Id.Name] })] };
            optimizer = result[TrainSpec.OptimizerOutput];
        }

        return model.Modules.ToDictionary(module => module.Id, module => module.Blob);
    }

    private static void AssertModel(RunView run, Dictionary<ModuleId, BlobHash> expected) =>
        Assert.All(expected, module => Assert.Equal(module.Value, run.Model!.Modules[module.Key.Name]));
}
