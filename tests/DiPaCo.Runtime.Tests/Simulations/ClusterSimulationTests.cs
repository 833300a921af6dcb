using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Core.Planning;
using DiPaCo.Runtime.Simulations;
using Xunit;

namespace DiPaCo.Runtime.Tests.Simulations;

public sealed class ClusterSimulationTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dipaco-simulation-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void OneWorkerOnAPerfectConnectionTakesTheTimeOfItsArithmetic()
    {
        Simulation simulation = Load("embedding: level, head: level, levels: [{ blocks: 2 }]", Perfect);
        FleetResult fleet = Run(simulation, 1);
        Assert.Equal(ArithmeticSeconds(simulation), fleet.Seconds, ArithmeticSeconds(simulation) * 0.01);
        Assert.InRange(fleet.Computing, 0.99, 1);
        Assert.Equal("computing", fleet.Bottleneck);
        Assert.Equal((0, 0L, 0L), (fleet.Failures, fleet.LostSteps, fleet.DuplicatedSteps));
    }

    [Fact]
    public void FourWorkersAreFourTimesAsFastAsOneAndMoreThanPathsAreNot()
    {
        Simulation simulation = Load(Grid, Perfect);
        double one = Run(simulation, 1).Seconds;
        FleetResult four = Run(simulation, 4);
        FleetResult eight = Run(simulation, 8);
        Assert.InRange(one / four.Seconds, 3.9, 4.01);
        Assert.Equal(four.Seconds, eight.Seconds, four.Seconds * 0.01);
        Assert.InRange(eight.WithoutTask, 0.45, 0.55);
        Assert.Contains("more workers than the 4 paths", Run(simulation, 16).Bottleneck, StringComparison.Ordinal);
    }

    [Fact]
    public void EveryResultTravelsOnceAndWhatIsAtTheWorkerDoesNot()
    {
        Simulation simulation = Load(Grid, "worker: { speed_spread: 0, flops_per_second: 1e7 }\nsilo: { workers: 16, memory_gigabytes: 0.0003 }");
        FleetResult fleet = Run(simulation, 4);
        ModelTopology topology = ModelTopology.Create(simulation.Run.Config.Topology, simulation.Run.Config.ShapeFor(simulation.Run.Config.Tokenizer.Vocabulary));
        long path = topology.ModulesOf(topology.Paths[0]).Sum(module => module.Layout.Parameters);
        Assert.Equal(simulation.Phases * 4 * (4.0 + 8.0) * path, fleet.BytesUp);

        // Shards once, parameters at each phase, moments never: each path stays where it is.
        Assert.Equal((simulation.CorpusTokens / 4 * 2.0 * 4) + (simulation.Phases * 4 * 4.0 * path), fleet.BytesDown, fleet.BytesDown * 0.01);
    }

    [Fact]
    public void AnEncodedContributionIsSmaller()
    {
        string fleet = "worker: { speed_spread: 0, flops_per_second: 1e7 }\nsilo: { workers: 16, memory_gigabytes: 0.0003 }";
        double plain = Run(Load(Grid, fleet), 4).BytesUp;
        double encoded = Run(Load(Grid, fleet, "outer: { codec: int8 }"), 4).BytesUp;

        // 4 bytes become 1 and a scale for each block, but what is left out travels as a part of the state: 4 more.
        Assert.InRange(encoded / plain, 13.0 / 12, 13.1 / 12);
    }

    [Theory]
    [InlineData("bf16", 16)]
    [InlineData("int8", 8.25)]
    [InlineData("int4", 4.5)]
    public void ADownload_TakesTheBitsThatAreSaid(string download, double bits)
    {
        string fleet = "worker: { speed_spread: 0, flops_per_second: 1e7 }\nsilo: { workers: 16, memory_gigabytes: 0.0003 }";
        Simulation simulation = Load(Grid, fleet, $"outer: {{ download: {download} }}");
        FleetResult plain = Run(Load(Grid, fleet), 4), published = Run(simulation, 4);
        ModelTopology topology = ModelTopology.Create(simulation.Run.Config.Topology, simulation.Run.Config.ShapeFor(simulation.Run.Config.Tokenizer.Vocabulary));
        long path = topology.ModulesOf(topology.Paths[0]).Sum(module => module.Layout.Parameters);

        // The first phase begins from the fork.
        Assert.Equal((simulation.Phases - 1) * 4 * (32 - bits) / 8 * path, plain.BytesDown - published.BytesDown, plain.BytesDown * 0.01);
        Assert.Equal(plain.BytesUp, published.BytesUp);
    }

    [Fact]
    public void WorkersThatEndSuddenlyCostTimeAndWorkButNoStep()
    {
        Simulation calm = Load(Grid, "worker: { speed_spread: 0.3, flops_per_second: 1e6 }\nsilo: { memory_gigabytes: 0.0003 }");
        Simulation rough = Load(Grid, "worker: { speed_spread: 0.3, flops_per_second: 1e6, hours_between_failures: 2, minutes_away: 5 }\nsilo: { memory_gigabytes: 0.0003 }");
        FleetResult undisturbed = Run(calm, 6);
        FleetResult disturbed = Run(rough, 6);
        Assert.True(disturbed.Failures > 0);
        Assert.True(disturbed.RedoneFlops > undisturbed.RedoneFlops);
        Assert.True(disturbed.Seconds > undisturbed.Seconds);
        Assert.Equal(undisturbed.UsefulFlops, disturbed.UsefulFlops, undisturbed.UsefulFlops * 1e-6);
        Assert.Equal((0L, 0L), (disturbed.LostSteps, disturbed.DuplicatedSteps));
    }

    [Fact]
    public void WorkersThatGoHomeHandOverWhatTheyHaveMade()
    {
        Simulation simulation = Load(Grid, "worker: { speed_spread: 0, flops_per_second: 3e4, hours_a_day: 9, grace_minutes: 5 }\nsilo: { memory_gigabytes: 0.0003 }");
        FleetResult fleet = Run(simulation, 6);
        Assert.True(fleet.HandOvers > 0);
        Assert.InRange(fleet.Online, 0.25, 0.5);
        Assert.Equal((0, 0L, 0L), (fleet.Failures, fleet.LostSteps, fleet.DuplicatedSteps));
    }

    [Fact]
    public void TheSameSimulationGivesTheSameResult()
    {
        Simulation simulation = Load(Grid, "worker: { speed_spread: 0.5, flops_per_second: 1e6, hours_between_failures: 1, hours_a_day: 20 }\nsilo: { memory_gigabytes: 0.0003 }");
        Assert.Equal(JsonSerializer.Serialize(Run(simulation, 5)), JsonSerializer.Serialize(Run(simulation, 5)));
        Assert.NotEqual(JsonSerializer.Serialize(Run(simulation, 5)), JsonSerializer.Serialize(Run(simulation with { Seed = 2 }, 5)));
    }

    [Fact]
    public void MeetingAtEveryStepCostsItsTransfers()
    {
        Simulation simulation = Load(Grid, "worker: { speed_spread: 0, flops_per_second: 1e9, latency_milliseconds: 0, download_megabits: 8, upload_megabits: 8 }");
        SynchronousEstimate synchronous = Run(simulation, 4).Synchronous;
        ModelTopology topology = ModelTopology.Create(simulation.Run.Config.Topology, simulation.Run.Config.ShapeFor(simulation.Run.Config.Tokenizer.Vocabulary));
        long path = topology.ModulesOf(topology.Paths[0]).Sum(module => module.Layout.Parameters);
        double steps = simulation.Phases * simulation.Run.Config.Recipe.InnerSteps;
        Assert.Equal(ArithmeticSeconds(simulation) / 4, synchronous.ComputingSeconds, synchronous.ComputingSeconds * 1e-6);
        Assert.Equal(synchronous.ComputingSeconds + (steps * 2 * 2 * path / 1e6), synchronous.Seconds, synchronous.Seconds * 1e-6);
    }

    [Fact]
    public void APathThatFitsNoWorkerIsRefusedWithNumbers()
    {
        Simulation simulation = Load(Grid, "worker: { memory_gigabytes: 0.0001 }\nsilo: { memory_gigabytes: 0.0001 }");
        DiPaCoException failure = Assert.Throws<DiPaCoException>(() => Run(simulation, 4));
        Assert.Contains("worker.memory_gigabytes", failure.Message, StringComparison.Ordinal);
    }

    private const string Grid = "embedding: private, head: private, levels: [{ blocks: 1, experts: 2 }, { blocks: 1, experts: 2 }]";

    private const string Perfect =
        "worker: { speed_spread: 0, flops_per_second: 1e6, latency_milliseconds: 0, download_megabits: 1e9, upload_megabits: 1e9 }\nsilo: { megabits: 1e9, workers: 16, flops_per_second: 1e15, memory_gigabytes: 0.0003, lease_seconds: 600 }";

    private static double ArithmeticSeconds(Simulation simulation)
    {
        RunConfig config = simulation.Run.Config;
        TransformerShape shape = config.ShapeFor(config.Tokenizer.Vocabulary);
        int paths = ModelTopology.Create(config.Topology, shape).Paths.Length;
        double step = shape.TrainingFlopsPerToken(config.Transformer.SequenceLength) * config.Recipe.BatchSequences * config.Transformer.SequenceLength;
        return PhasePlan.Of(config).Steps * paths * step / simulation.Worker.FlopsPerSecond;
    }

    private static FleetResult Run(Simulation simulation, int workers) => ClusterSimulation.Run(simulation, workers, TestContext.Current.CancellationToken);

    private Simulation Load(string topology, string fleet, string more = "")
    {
        File.WriteAllText(Path.Combine(_folder, "run.yaml"), $$"""
            name: small
            size: tiny
            data: { paths: corpus.jsonl }
            tokenizer: { vocabulary: 320 }
            transformer: { width: 32, heads: 2, head_width: 16, feed_forward: 64, sequence_length: 64 }
            topology: { {{topology}} }
            recipe: { batch_sequences: 4, micro_batch_sequences: 4, base_steps: 10, phases: 3, inner_steps: 10 }
            {{more}}
            """);
        return SimulationLoader.Parse($"run: run.yaml\nphases: 3\nworkers: [1]\ncorpus_tokens: 4000\n{fleet}\n", Path.Combine(_folder, "simulation.yaml"));
    }
}
