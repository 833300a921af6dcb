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
