using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Core.Planning;
using DiPaCo.RunHost;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Storage;
using DiPaCo.Training;
using Xunit;

namespace DiPaCo.Runtime.Tests.Tasks;

public sealed class TaskDemandsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly RunConfig _config;
    private readonly ModelTopology _topology;

    public TaskDemandsTests()
    {
        _config = SmallRun.Prepare(_folder.Path).Config;
        _topology = ModelTopology.Create(_config.Topology, _config.ShapeFor(_config.Tokenizer.Vocabulary));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TrainingAPath_NeedsTheMemoryAndTheOperationsOfThePlan()
    {
        RunPlan plan = RunPlan.Of(_config, new PlanAssumptions());
        TrainSpec spec = Training();

        TaskDemands demands = TaskDemands.Of(spec);

        Assert.Equal(plan.Memory.Total, demands.MemoryBytes);
        double phases = plan.Stages.Single(stage => stage.Name == "phases").Flops;
        Assert.Equal(phases / (_topology.Paths.Length * _config.Recipe.Phases), demands.Flops, 1e-6 * demands.Flops);
        Assert.True(demands.Divisible);
    }

    [Fact]
    public void AnOuterStep_HoldsParametersAndMomentum_AndGoesBeforeTraining()
    {
        ModuleDefinition module = _topology.Modules[0];
        ModuleInput input = new(module.Id, module.Layout.Parts, BlobHash.Of([1]));
        Contribution[] contributions = [.. module.Paths.Select(path => new Contribution(path, BlobHash.Of([2]), 1.0 / module.Paths.Length))];

        TaskDemands demands = TaskDemands.Of(new OuterSpec(_topology.Shape, input, null, [.. contributions], new OuterStepOptions(0.7, 0.9, 1)));

        Assert.Equal(8 * module.Layout.Parameters, demands.MemoryBytes);
        Assert.True(demands.Priority > TaskDemands.Of(Training()).Priority);
        Assert.False(demands.Divisible);
    }

    [Fact]
    public void AFold_NeedsNoMemoryToSpeakOf_AndGoesBeforeTraining_ButAfterOuterSteps()
    {
        ModuleDefinition module = _topology.Modules.First(each => each.Paths.Length > 1);
        ModuleInput input = new(module.Id, module.Layout.Parts, BlobHash.Of([1]));
        ImmutableArray<Contribution> two = [new(new PathId(0), BlobHash.Of([2]), 0.5), new(new PathId(1), BlobHash.Of([3]), 0.25)];
        OuterSpec all = new(_topology.Shape, input, null, [.. two, new(new PathId(2), BlobHash.Of([4]), 0.25)], new OuterStepOptions(0.7, 0.9, 1));

        TaskDemands fold = TaskDemands.Of(new FoldSpec(_topology.Shape, input, two));
        TaskDemands rest = TaskDemands.Of(all with { Contributions = all.Contributions[2..], Folded = new FoldedSums(BlobHash.Of([5]), [0.5, 0.25]) });

        Assert.Equal(0, fold.MemoryBytes);
        Assert.False(fold.Divisible);
        Assert.InRange(fold.Priority, TaskDemands.Of(Training()).Priority + 1, rest.Priority - 1);
        Assert.Equal(TaskDemands.Of(all).Flops, fold.Flops + rest.Flops);
    }

    [Fact]
    public void FiveSteps_CostFiveTimesOne_AndNoMoreMemory()
    {
        TrainSpec spec = Training();
        double one = TaskDemands.Of(spec with { Steps = 1 }).Flops;

        Assert.Equal(5 * one, TaskDemands.Of(spec with { Steps = 5 }).Flops, 1e-6 * one);
        Assert.Equal(TaskDemands.Of(spec).MemoryBytes, TaskDemands.Of(spec with { Steps = 5 }).MemoryBytes);
    }

    private TrainSpec Training() => new()
    {
        Model = new PathInput(
            _topology.Shape, _config.Transformer.Compute,
            [.. _topology.ModulesOf(_topology.Paths[0]).Select(module => new ModuleInput(module.Id, module.Layout.Parts, BlobHash.Of([1])))]),
        Shard = [BlobHash.Of([3])],
        Sequences = new SequenceInput(
            _config.Transformer.SequenceLength, _config.Routing.PrefixTokens, _config.Recipe.LossOnPrefix, _config.Recipe.MicroBatchSequences, 16),
        BatchSequences = _config.Recipe.BatchSequences,
        FirstStep = 0,
        ScheduleStep = 0,
        Steps = _config.Recipe.InnerSteps,
        Schedule = new LearningRateSchedule(0.01, 1, 4, 0.1),
        AdamW = new AdamWOptions(),
        Seed = 1,
        Order = 0,
    };
}
