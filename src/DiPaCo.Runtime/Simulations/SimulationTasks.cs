using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Core.Planning;
using DiPaCo.Runtime.Recipe;
using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Simulations;

/// <summary>The cost of a run's tasks: operations, memory, bytes. The same estimates as <c>dipaco plan</c>.</summary>
internal sealed class SimulationTasks
{
    private const int BytesOfParameter = sizeof(float);
    private const int BytesOfSum = sizeof(double);
    private const int BytesOfToken = sizeof(ushort);

    private readonly RunConfig _config;
    private readonly long _shardBytes;
    private readonly double _stepFlops;
    private readonly long _memory;

    public SimulationTasks(Simulation simulation)
    {
        _config = simulation.Run.Config;
        TransformerShape shape = _config.ShapeFor(_config.Tokenizer.Vocabulary);
        Topology = ModelTopology.Create(_config.Topology, shape);
        int length = _config.Transformer.SequenceLength;
        _stepFlops = shape.TrainingFlopsPerToken(length) * _config.Recipe.BatchSequences * length;
        _shardBytes = simulation.CorpusTokens * BytesOfToken / Topology.Paths.Length;
        PathParameters = Topology.ModulesOf(Topology.Paths[0]).Sum(module => module.Layout.Parameters);
        _memory = PlannedMemory.Of(shape, PathParameters, _config.Transformer.Compute, (long)_config.Recipe.MicroBatchSequences * length).Total;
    }

    /// <summary>The model.</summary>
    public ModelTopology Topology { get; }

    /// <summary>Parameters of a path.</summary>
    public long PathParameters { get; }

    /// <summary>Floating-point operations of one step of a path.</summary>
    public double StepFlops => _stepFlops;

    /// <summary>Memory for training a path.</summary>
    public long PathMemory => _memory;

    /// <summary>A path's training in a phase.</summary>
    public SimulatedTask Of(NeededTraining needed, RunId run, Action<TaskKey, ImmutableSortedDictionary<string, BlobHash>> done)
    {
        TaskKey key = KeyOf($"train/{needed.Path}/{needed.Phase}");
        ImmutableArray<ModuleDefinition> modules = Topology.ModulesOf(needed.Path);
        long encoded = modules.Where(IsEncoded).Sum(module => module.Layout.Parameters);
        long state = (2 * BytesOfParameter * PathParameters) + (BytesOfParameter * encoded);
        ImmutableArray<TaskInput>.Builder inputs = ImmutableArray.CreateBuilder<TaskInput>();
        inputs.AddRange(needed.Modules.Zip(modules, (version, module) => StartOf(version, module)));
        inputs.Add(new TaskInput(SimulationNames.BlobOf($"shard/{needed.Path}"), _shardBytes));
        if (needed.Optimizer is { } optimizer)
        {
            inputs.Add(new TaskInput(optimizer, state));
        }

        ImmutableSortedDictionary<string, TaskInput>.Builder outputs = ImmutableSortedDictionary.CreateBuilder<string, TaskInput>(StringComparer.Ordinal);
        foreach (ModuleDefinition module in modules)
        {
            outputs[module.Id.Name] = new TaskInput(SimulationNames.BlobOf($"{key}/{module.Id}"), ContributionBytes(module));
        }

        outputs["optimizer"] = new TaskInput(SimulationNames.BlobOf($"{key}/optimizer"), state);
        TaskDemand demand = new(key, "train", run, TaskOwner.Of(needed.Path))
        {
            Inputs = inputs.ToImmutable(), Flops = needed.Steps * _stepFlops, MemoryBytes = _memory, Divisible = true, Fingerprint = SimulationNames.Fingerprint,
        };
        return Task(demand, needed.Steps, outputs.ToImmutable(), state + (BytesOfParameter * (double)PathParameters), done);
    }

    /// <summary>A module's fold of a group of contributions.</summary>
    public SimulatedTask Of(NeededFold needed, RunId run, Action<TaskKey, ImmutableSortedDictionary<string, BlobHash>> done)
    {
        ModuleDefinition module = DefinitionOf(needed.Start.Module);
        TaskKey key = KeyOf($"fold/{module.Id}/{needed.Start.Version}/{needed.Before?.Paths ?? 0}");
        ImmutableArray<TaskInput> inputs =
        [
            new TaskInput(needed.Start.Blob, BytesOfParameter * module.Layout.Parameters),
            .. SumsOf(needed.Before, module),
            .. needed.Start.Published is { } published && !IsEncoded(module) ? [new TaskInput(published.Blob, WholeBytes(module))] : Array.Empty<TaskInput>(),
            .. needed.Contributions.Select(contribution => new TaskInput(contribution.Blob, ContributionBytes(module))),
        ];
        ImmutableSortedDictionary<string, TaskInput> outputs = ImmutableSortedDictionary<string, TaskInput>.Empty.WithComparers(StringComparer.Ordinal)
            .Add(FoldSpec.SumsOutput, new TaskInput(SimulationNames.BlobOf($"{key}/sums"), BytesOfSum * module.Layout.Parameters));
        TaskDemand demand = new(key, "fold", run, TaskOwner.Of(module.Id))
        {
            Inputs = inputs, Flops = 4.0 * module.Layout.Parameters * needed.Contributions.Length, Priority = TaskDemands.Soon, Fingerprint = SimulationNames.Fingerprint,
        };
        return Task(demand, 1, outputs, 0, done);
    }

    /// <summary>A module's outer step after a phase.</summary>
    public SimulatedTask Of(NeededOuterStep needed, RunId run, Action<TaskKey, ImmutableSortedDictionary<string, BlobHash>> done)
    {
        ModuleDefinition module = DefinitionOf(needed.Start.Module);
        TaskKey key = KeyOf($"outer/{module.Id}/{needed.Start.Version}");
        long bytes = BytesOfParameter * module.Layout.Parameters;
        ImmutableArray<TaskInput>.Builder inputs = ImmutableArray.CreateBuilder<TaskInput>();
        inputs.Add(new TaskInput(needed.Start.Blob, bytes));
        if (needed.Start.Momentum is { } momentum)
        {
            inputs.Add(new TaskInput(momentum, bytes));
        }

        DownloadCodec download = _config.Outer.Download;
        if (needed.Start.Published is { } start && (download.IsDelta() || !IsEncoded(module)))
        {
            inputs.Add(new TaskInput(start.Blob, WholeBytes(module)));
        }

        int folded = needed.Folded?.Paths ?? 0;
        inputs.AddRange(SumsOf(needed.Folded, module));
        inputs.AddRange(needed.Contributions.Skip(folded).Select(contribution => new TaskInput(contribution.Blob, ContributionBytes(module))));
        ImmutableSortedDictionary<string, TaskInput> outputs = ImmutableSortedDictionary<string, TaskInput>.Empty.WithComparers(StringComparer.Ordinal)
            .Add("module", new TaskInput(SimulationNames.BlobOf($"{key}/module"), bytes))
            .Add("momentum", new TaskInput(SimulationNames.BlobOf($"{key}/momentum"), bytes));
        if (download != DownloadCodec.Fp32)
        {
            outputs = outputs.Add(OuterSpec.PublishedOutput, new TaskInput(SimulationNames.BlobOf($"{key}/published"), WholeBytes(module)));
        }

        if (download.IsDelta())
        {
            outputs = outputs.Add(OuterSpec.PublishedDeltaOutput, new TaskInput(SimulationNames.BlobOf($"{key}/published-delta"), DeltaBytes(module)));
        }

        TaskDemand demand = new(key, "outer", run, TaskOwner.Of(module.Id))
        {
            Inputs = inputs.ToImmutable(), Flops = 4.0 * module.Layout.Parameters * (needed.Contributions.Length - folded), MemoryBytes = 2 * bytes,
            Priority = TaskDemands.Urgent, Fingerprint = SimulationNames.Fingerprint,
        };
        return Task(demand, 1, outputs, 0, done);
    }

    /// <summary>What an outer step has published; null: paths train from the module itself.</summary>
    public PublishedVersion? PublishedOf(NeededOuterStep needed, ImmutableSortedDictionary<string, BlobHash> blobs) =>
        !blobs.TryGetValue(OuterSpec.PublishedOutput, out BlobHash published) ? null : new PublishedVersion(
            published, _config.Outer.Download.IsDelta() ? new VersionDelta(needed.Start.TrainedFrom, blobs[OuterSpec.PublishedDeltaOutput]) : null);

    /// <summary>The model at the start, and the orders of a segment of phases from there.</summary>
    public (ImmutableSortedDictionary<PathId, PathOrder> Paths, ImmutableSortedDictionary<ModuleId, ModuleOrder> Modules) Orders(Segment segment)
    {
        SegmentPlan plan = new(_config, Topology);
        ModelVersion start = new(
            new Phase(0), Topology.Modules.ToImmutableSortedDictionary(module => module.Id, module => SimulationNames.BlobOf($"fork/{module.Id}")),
            ImmutableSortedDictionary<ModuleId, BlobHash>.Empty, ImmutableSortedDictionary<PathId, BlobHash>.Empty);
        return (plan.PathsIn(segment, start, _ => 1), plan.ModulesIn(segment, start));
    }

    private static SimulatedTask Task(
        TaskDemand demand, int steps, ImmutableSortedDictionary<string, TaskInput> outputs, double stateBytes, Action<TaskKey, ImmutableSortedDictionary<string, BlobHash>> done)
    {
        SimulatedTask? task = null;
        task = new SimulatedTask(demand, steps, outputs, stateBytes, () => done(demand.Key, task!.Blobs));
        return task;
    }

    private static TaskInput[] SumsOf(FoldedGroups? folded, ModuleDefinition module) =>
        folded is null ? [] : [new TaskInput(folded.Sums, BytesOfSum * module.Layout.Parameters)];

    private static TaskKey KeyOf(string name) => new(SimulationNames.BlobOf(name).Hex);

    private ModuleDefinition DefinitionOf(ModuleId module) => Topology.Modules.First(each => each.Id == module);

    private bool IsEncoded(ModuleDefinition module) => _config.Outer.Codec != DeltaCodec.Fp32 && _config.Outer.StepsOn(Topology, module.Id);

    /// <summary>A module as a path reads it.</summary>
    private TaskInput StartOf(Rules.ModuleVersion version, ModuleDefinition module) => version.Published is null
        ? new TaskInput(version.Blob, BytesOfParameter * module.Layout.Parameters)
        : new TaskInput(version.TrainedFrom, WholeBytes(module)) { Base = version.Published.Delta?.Base, DeltaBytes = DeltaBytes(module) };

    private long WholeBytes(ModuleDefinition module) => _config.Outer.Download.BitsOfWhole() * module.Layout.Parameters / 8;

    private long DeltaBytes(ModuleDefinition module) => (long)(_config.Outer.Download.BitsPerElement() * module.Layout.Parameters / 8);

    private long ContributionBytes(ModuleDefinition module) =>
        IsEncoded(module) ? (long)(_config.Outer.BitsPerElement() * module.Layout.Parameters / 8) : BytesOfParameter * module.Layout.Parameters;
}
