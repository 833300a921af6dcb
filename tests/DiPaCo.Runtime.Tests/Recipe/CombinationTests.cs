using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Recipe;

/// <summary>Whole runs in which several parts of the method meet.</summary>
public sealed class CombinationTests : IDisposable
{
    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task ThreeLevels_OfSomeProducts_ByProductKMeans_MakeTheOuterStepsOfAReference_WithRelativeRescalingAndAMomentumThatWarmsUp()
    {
        RunConfig config = Of(Outer(OuterRescaling.Relative, OuterWeights.ShardSize), phases: 4) with
        {
            Topology = ThreeLevels,
            Routing = _runs.Config.Routing with { Method = RoutingMethod.ProductKMeans },
        };

        (ObservedCluster observed, RunView run) = await TrainAsync(config);

        Assert.Equal([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0], [1, 1, 1]], run.Topology.Paths.Select(path => run.Topology.Grid.ExpertsOf(path).AsEnumerable()));
        Assert.All(run.Topology.Paths, path => Assert.Equal(3, run.Topology.ModulesOf(path).Length));
        Assert.Equal("product-k-means", Routing.RouterCodec.Read(run.FileOf(run.Model!.Router)).Kind);
        Assert.Equal([0, 0.2, 0.4, 0.6], AssertOuterSteps(observed, run, config).Momenta, (one, other) => Math.Abs(one - other) < 1e-12);
        Assert.Empty((await _runs.VerifyAsync("run")).Damaged);
    }

    [Fact]
    public async Task SampledPaths_WithEarlyStopping_MakeTheOuterStepsOfAReference_RescaledByThePathsThatTakePart_AndResumeWithTheSameBytes()
    {
        RunConfig config = Of(Outer(OuterRescaling.SquareRoot, OuterWeights.Uniform), phases: 5) with { Topology = ThreeLevels };
        config = config with
        {
            // The last phases' rate ruins what the first ones have learned.
            Recipe = config.Recipe with
            {
                PathsPerPhase = 3, EarlyStopping = true, EarlyStoppingMargin = 0, InnerSteps = 4,
                Stages = [new PhaseStage(3, 4, 0.01, 1), new PhaseStage(2, 2, 0.5, 0)],
            },
            Evaluation = config.Evaluation with { MaxDocuments = 0 },
        };

        (ObservedCluster observed, RunView run) = await TrainAsync(config);

        // Of five paths three, then the two that are left: a module has one or two of them.
        OuterSteps steps = AssertOuterSteps(observed, run, config);
        Assert.Equal([3, 2, 3, 2, 3], steps.Turns);
        Assert.Equal([1, 2], steps.Contributions.Order());

        // A path whose turn it is not moves with its modules all the same, and is looked at.
        Assert.Equal(
            config.Recipe.Phases * run.Shards.Count(shard => shard.ValidationDocuments > 0),
            observed.Of<ScoreSpec>().Count(task => task.Spec.Paths.Length == 1));
        Assert.NotEmpty(run.Model!.Stopped);
        Assert.All(run.Model.Stopped, path => Assert.InRange(path.PhasesDone, 1, 4));
        Assert.True(await _runs.TrainUntilAsync("stopped", (_, runEvent) => runEvent is StepMade { Phase.Value: 3 }, config));
        await _runs.TrainAsync("stopped", config);
        Assert.Equal(_runs.Contents("run"), _runs.Contents("stopped"));
        Assert.Empty((await _runs.VerifyAsync("run")).Damaged);
    }

    [Fact]
    public async Task OverlappingShards_ThatARoundMakesAnew_HoldEveryTrainingDocumentTwice_AndEveryHeldOutOneOnce()
    {
        RunConfig config = Of(Outer(OuterRescaling.Relative, OuterWeights.ShardSize), phases: 3) with
        {
            Discriminative = new DiscriminativeOptions { AfterPhases = [2] },
            Data = _runs.Config.Data with { RouterShare = 0.2 },
            Routing = _runs.Config.Routing with { Overlap = 2, Scaling = FeatureScaling.None },
        };
        config = config with { Recipe = config.Recipe with { PathsPerPhase = 3 } };

        (ObservedCluster observed, RunView run) = await TrainAsync(config);

        (ShardSpec Spec, TaskResult Result)[] shards = [.. observed.Of<ShardSpec>()];
        Assert.Equal(2, shards.Length);
        Assert.Equal(run.Only("discriminative-router").Outputs[RouterSpec.Output], shards[1].Spec.Router);
        ImmutableSortedDictionary<PathId, ShardSize>[] sizes = [.. shards.Select(shard => SizesOf(shard.Result))];
        Assert.NotEqual(sizes[0].Values.Select(size => size.TrainTokens), sizes[1].Values.Select(size => size.TrainTokens));
        (long, long)[] documents = [.. sizes.Select(paths => (
            paths.Values.Sum(size => size.TrainDocuments), paths.Values.Sum(size => size.ValidationDocuments + size.TestDocuments)))];
        Assert.Equal(documents[0], documents[1]);
        RunResults results = await _runs.TrainAsync("run", config);
        Assert.Equal((2 * results.Corpus.TrainDocuments, results.Corpus.ValidationDocuments + results.Corpus.TestDocuments), documents[1]);

        // The paths go on in their new shards, weighed by them, from the steps that they had made.
        AssertOuterSteps(observed, run, config);
        Assert.All(observed.Of<TrainSpec>().Where(task => task.Spec.ScheduleStep == 4 && task.Spec.Model.Modules.Length > 1), task =>
            Assert.Equal(ChunksOf(shards[1].Result, new PathId((int)task.Spec.Order)), task.Spec.Shard));
        Assert.Empty((await _runs.VerifyAsync("run")).Damaged);
    }

    [Fact]
    public async Task SynchronousTraining_IsShardedAnewByARound_StopsPathsEarly_AndResumesWithTheSameBytes()
    {
        RunConfig config = Of(new OuterOptimizerOptions(), phases: 4);
        config = config with
        {
            Data = config.Data with { RouterShare = 0.2, ValidationShare = 0.2 },
            Discriminative = new DiscriminativeOptions { AfterPhases = [1] },
            Recipe = config.Recipe with
            {
                Training = TrainingMode.Synchronous, EarlyStopping = true, EarlyStoppingMargin = 0, InnerSteps = 4,
                Stages = [new PhaseStage(3, 4, 0.01, 1), new PhaseStage(1, 4, 1.0, 0)],
            },
        };

        (ObservedCluster observed, RunView run) = await TrainAsync(config);

        SynchronousSpec[] phases = [.. observed.Of<SynchronousSpec>().Select(task => task.Spec)];
        TaskResult[] made = [.. observed.Of<SynchronousSpec>().Select(task => task.Result)];
        TaskResult[] shards = [.. observed.Of<ShardSpec>().Select(task => task.Result)];
        Assert.Equal([0, 4, 8, 12], phases.Select(phase => phase.FirstStep));
        for (int phase = 0; phase < 4; phase++)
        {
            Assert.All(phases[phase].Paths, path => Assert.Equal(ChunksOf(shards[phase == 0 ? 0 : 1], path.Path), path.Shard));
            Assert.Equal(phase == 0 ? null : made[phase - 1][TrainSpec.OptimizerOutput], phases[phase].Optimizer);
            Assert.All(phases[phase].Modules.Where(_ => phase > 0), module => Assert.Equal(made[phase - 1][module.Id.Name], module.Blob));
        }

        // Weights are those of the new shards: a module's add up to 1 over its paths.
        ImmutableSortedDictionary<PathId, ShardSize> sizes = SizesOf(shards[1]);
        foreach (ModuleDefinition module in run.Topology.Modules)
        {
            double tokens = module.Paths.Sum(path => sizes[path].TrainTokens);
            Assert.All(phases[3].Paths.Where(path => module.Paths.Contains(path.Path)), path => Assert.Equal(
                sizes[path.Path].TrainTokens / tokens, path.Weights[path.Modules.IndexOf(module.Id)], 1e-12));
        }

        // What was best before the round cannot be compared with what comes after it.
        Assert.NotEmpty(run.Model!.Stopped);
        Assert.All(run.Model.Stopped, path => Assert.InRange(path.PhasesDone, 2, 3));
        Assert.True(await _runs.TrainUntilAsync("stopped", (_, runEvent) => runEvent is PhaseFinished { Phase.Value: 1 }, config));
        await _runs.TrainAsync("stopped", config);
        Assert.Equal(_runs.Contents("run"), _runs.Contents("stopped"));
        Assert.Empty((await _runs.VerifyAsync("run")).Damaged);
    }

    private static TopologyOptions ThreeLevels { get; } = new()
    {
        Embedding = Sharing.Level,
        Head = Sharing.Level,
        Levels = [new LevelOptions { Blocks = 1, Experts = 2 }, new LevelOptions { Blocks = 1, Experts = 2 }, new LevelOptions { Blocks = 1, Experts = 2 }],
        Paths = [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0], [1, 1, 1]],
    };

    private static OuterOptimizerOptions Outer(OuterRescaling rescaling, OuterWeights weights) => new()
    {
        LearningRate = 0.7, Momentum = 0.8, MomentumWarmupPhases = 4, Rescaling = rescaling, Weights = weights,
    };

    private RunConfig Of(OuterOptimizerOptions outer, int phases) => _runs.Config with
    {
        Outer = outer,
        Recipe = _runs.Config.Recipe with { Phases = phases },
        Evaluation = _runs.Config.Evaluation with { DenseEqualSteps = false, SampleTokens = 0 },
    };

    private async Task<(ObservedCluster Observed, RunView Run)> TrainAsync(RunConfig config)
    {
        ObservedCluster observed = new();
        await _runs.TrainAsync("run", config, cluster: observed);
        return (observed, new RunView(_runs.File("run")));
    }

    private static ImmutableSortedDictionary<PathId, ShardSize> SizesOf(TaskResult shard) =>
        JsonSerializer.Deserialize<ShardMetrics>(shard.Metrics, TaskJson.Options)!.Paths.ToImmutableSortedDictionary(size => size.Path, size => size);

    private static ImmutableArray<BlobHash> ChunksOf(TaskResult shard, PathId path) =>
        [.. Enumerable.Range(0, SizesOf(shard)[path].Chunks).Select(chunk => shard[ShardSpec.Output(path, chunk)])];

    /// <summary>
    /// Follows a run from the fork on: each phase's outer steps are those of the modules through which paths have trained, from what those
    /// paths brought, Δ = s Σ α_i (θ − θ_i); m ← μ m + Δ; θ ← θ − η (Δ + μ m) in double precision, and the next phase starts from them.
    /// </summary>
    private static OuterSteps AssertOuterSteps(ObservedCluster observed, RunView run, RunConfig config)
    {
        // Experts of a level begin as the same part of the base model, which is cut out once.
        Dictionary<ModuleId, BlobHash> parameters = run.Topology.Modules.ToDictionary(
            module => module.Id,
            module => observed.Of<ForkSpec>().Single(fork => fork.Spec.Parts.SequenceEqual(module.Layout.Parts)).Result[OuterSpec.ModuleOutput]);
        Dictionary<ModuleId, BlobHash> momenta = [];
        ImmutableSortedDictionary<PathId, ShardSize> shards = ImmutableSortedDictionary<PathId, ShardSize>.Empty;
        List<(TrainSpec Spec, TaskResult Result)> trained = [];
        List<int> turns = [];
        List<double> usedMomenta = [];
        HashSet<int> contributions = [];
        int left = 0;
        foreach (ObservedTask task in observed.Tasks)
        {
            switch (task.Spec)
            {
                case ShardSpec:
                    shards = SizesOf(task.Result);
                    break;
                case TrainSpec { Model.Modules.Length: > 1 } spec:
                    if (left == 0 && turns.Count == usedMomenta.Count)
                    {
                        trained.Clear();
                        turns.Add(0);
                    }

                    Assert.All(spec.Model.Modules, module => Assert.Equal(parameters[module.Id], module.Blob));
                    trained.Add((spec, task.Result));
                    turns[^1]++;
                    break;
                case OuterSpec spec:
                    if (turns.Count > usedMomenta.Count)
                    {
                        int phase = usedMomenta.Count;
                        left = trained.SelectMany(path => path.Spec.Model.Modules).Select(module => module.Id).Distinct().Count();
                        usedMomenta.Add(phase < config.Outer.MomentumWarmupPhases ? config.Outer.Momentum * phase / config.Outer.MomentumWarmupPhases : config.Outer.Momentum);
                    }

                    contributions.Add(AssertOuterStep(spec, task, trained, shards, config, usedMomenta[^1], parameters, momenta));
                    left--;
                    break;
                default:
                    break;
            }
        }

        Assert.Equal(0, left);
        Assert.Equal(config.Recipe.Phases, usedMomenta.Count);
        Assert.All(parameters, module => Assert.Equal(module.Value, run.Model!.Modules[module.Key.Name]));
        return new OuterSteps(turns, usedMomenta, contributions);
    }

    private static int AssertOuterStep(
        OuterSpec spec, ObservedTask task, List<(TrainSpec Spec, TaskResult Result)> trained, ImmutableSortedDictionary<PathId, ShardSize> shards, RunConfig config,
        double mu, Dictionary<ModuleId, BlobHash> parameters, Dictionary<ModuleId, BlobHash> momenta)
    {
        ModuleId module = spec.Module.Id;
        (TrainSpec Spec, TaskResult Result)[] through = [.. trained.Where(path => path.Spec.Model.Modules.Any(own => own.Id == module)).OrderBy(path => path.Spec.Order)];
        int most = trained.SelectMany(path => path.Spec.Model.Modules).CountBy(own => own.Id).Max(count => count.Value);
        double scale = config.Outer.Rescaling switch
        {
            OuterRescaling.SquareRoot => Math.Sqrt(through.Length),
            OuterRescaling.Relative => Math.Sqrt((double)through.Length / most),
            _ => 1,
        };
        double[] tokens = [.. through.Select(path => (double)shards[new PathId((int)path.Spec.Order)].TrainTokens)];
        double[] alpha = [.. tokens.Select(own => config.Outer.Weights == OuterWeights.Uniform ? 1.0 / through.Length : own / tokens.Sum())];
        float[][] brought = [.. through.Select(path => task.Parameters[path.Result[module.Name]])];
        float[] theta = task.Parameters[parameters[module]];
        float[] next = task.Parameters[task.Result[OuterSpec.ModuleOutput]];
        double moved = 0;
        for (int i = 0; i < theta.Length; i++)
        {
            double delta = 0;
            for (int path = 0; path < brought.Length; path++)
            {
                delta += scale * alpha[path] * ((double)theta[i] - brought[path][i]);
            }

            double momentum = delta + (momenta.TryGetValue(module, out BlobHash before) ? mu * task.Parameters[before][i] : 0);
            moved = Math.Max(moved, Math.Abs(delta));
            Assert.Equal(theta[i] - (config.Outer.LearningRate * (delta + (mu * momentum))), next[i], 1e-6);
        }

        Assert.True(moved > 1e-4, $"{module} did not move.");
        parameters[module] = task.Result[OuterSpec.ModuleOutput];
        momenta[module] = task.Result[OuterSpec.MomentumOutput];
        return through.Length;
    }

    /// <summary>What the outer steps of a run were.</summary>
    /// <param name="Turns">Paths that trained in each phase.</param>
    /// <param name="Momenta">μ of each phase.</param>
    /// <param name="Contributions">How many paths contributed to modules.</param>
    private sealed record OuterSteps(List<int> Turns, List<double> Momenta, HashSet<int> Contributions);
}
