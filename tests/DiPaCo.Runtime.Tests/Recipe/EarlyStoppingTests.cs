using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Recipe;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Recipe;

/// <summary>A path that does clearly worse than before on its own validation documents is served as it was then.</summary>
public sealed class EarlyStoppingTests : IDisposable
{
    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public void TheNewestVersionIsServed_UnlessTheBestIsAheadBeyondNoise()
    {
        ModelTopology topology = ModelTopology.Create(
            new TopologyOptions { Embedding = Sharing.Shared, Head = Sharing.Shared, Levels = [new LevelOptions { Blocks = 1, Experts = 4 }] }, Shape);
        EarlyStopping stopping = new(margin: 1);
        LossDifference better = new(9, -0.1, 0.2);
        LossDifference equal = new(9, 0, 0);
        LossDifference withinNoise = new(9, 0.1, 0.2);
        LossDifference beyondNoise = new(9, 0.3, 0.2);
        LossDifference ofOneDocument = new(1, 0.3, null);

        Look(1, null, null, null, null);
        Look(2, better, withinNoise, beyondNoise, ofOneDocument);
        Assert.Equal([(2, 1)], Stopped(2));
        Look(3, beyondNoise, beyondNoise, withinNoise, equal);
        Assert.Equal([(0, 2), (1, 1)], Stopped(3));

        // What was the best stays what later versions are compared with, and its modules are kept.
        Assert.Equal([2, 1, 1, 1], Enumerable.Range(0, 4).Select(path => (int)stopping.LossesOf(new PathId(path))!.Value.Hex[1] - '0'));
        Assert.Contains(Version(1).Modules[new ModuleId("level1.expert2")], stopping.BlobsOf(topology));
        Assert.DoesNotContain(Version(1).Modules[new ModuleId("level1.expert0")], stopping.BlobsOf(topology));
        ServedModel served = stopping.Serve(topology, Version(3));
        Assert.NotEqual(new ServedModel(topology, Version(3), ImmutableSortedDictionary<PathId, ModelVersion>.Empty).Digest, served.Digest);
        Assert.Equal(Version(1).Modules[new ModuleId("level1.expert1")], served.PathOf(new PathId(1), ComputeType.Fp32).Modules.Single(module => module.Id.Name == "level1.expert1").Blob);

        stopping.Restart();
        Assert.Null(stopping.LossesOf(new PathId(0)));
        Assert.Empty(stopping.Serve(topology, Version(3)).Stopped);

        void Look(int phase, params LossDifference?[] differences)
        {
            for (int path = 0; path < differences.Length; path++)
            {
                stopping.Look(new PathId(path), Version(phase), BlobHash.Parse($"{phase:x2}{new string('0', 62)}"), differences[path]);
            }
        }

        IEnumerable<(int Path, int Phase)> Stopped(int latest) =>
            stopping.Serve(topology, Version(latest)).Stopped.Select(path => (path.Key.Value, path.Value.Phase.Value));

        ModelVersion Version(int phase) => new(
            new Phase(phase), topology.Modules.ToImmutableSortedDictionary(module => module.Id, module => BlobHash.Of([(byte)phase, (byte)module.Id.Name.Length, (byte)module.Id.Name[^1]])),
            ImmutableSortedDictionary<ModuleId, BlobHash>.Empty, ImmutableSortedDictionary<PathId, BlobHash>.Empty);
    }

    [Theory]
    [InlineData(0, 0.1, 0.2, true)]
    [InlineData(0, 0.1, null, true)]
    [InlineData(0, 0.0, 0.2, false)]
    [InlineData(0.4, 0.1, 0.2, true)]
    [InlineData(0.6, 0.1, 0.2, false)]
    [InlineData(1, 0.1, null, false)]
    public void TheMarginCountsStandardErrors_AndWithoutOneTheLowestLossIsServed(double margin, double mean, double? error, bool isBeyond) =>
        Assert.Equal(isBeyond, new LossDifference(5, mean, error).IsBeyond(margin));

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public async Task EveryValidationDocumentOfAShardCounts_UpToItsBound(int most)
    {
        // The sample that follows the whole model's perplexity has one document, for all paths together.
        RunConfig config = _runs.Config with
        {
            Recipe = _runs.Config.Recipe with { EarlyStopping = true },
            Evaluation = _runs.Config.Evaluation with { MaxValidationDocuments = 1, MaxStoppingDocumentsPerPath = most },
        };
        await _runs.TrainAsync("run", config);
        RunView run = new(_runs.File("run"));

        long[] expected = [.. run.Shards.Select(size => most == 0 ? size.ValidationDocuments : Math.Min(most, size.ValidationDocuments)).Where(count => count > 0)];
        long[] found = [.. run.Entries.Where(entry => entry.Kind == "loss-difference").Select(entry => (long)JsonSerializer.Deserialize<LossDifference>(entry.Metrics, TaskJson.Options)!.Documents)];
        Assert.Contains(expected, count => count > 1);
        Assert.Equal(expected, found);
    }

    [Fact]
    public async Task StoppingResumes_WithTheSameBytes()
    {
        RunConfig config = _runs.Config with { Recipe = _runs.Config.Recipe with { EarlyStopping = true, Phases = 4 } };
        RunResults whole = await _runs.TrainAsync("whole", config);
        Assert.True(await _runs.TrainUntilAsync("stopped", (_, runEvent) => runEvent is StepMade { Phase.Value: 2 }, config));

        RunResults resumed = await _runs.TrainAsync("stopped", config);

        Assert.Equal(whole.ModelDigest, resumed.ModelDigest);
        Assert.Equal(_runs.Contents("whole"), _runs.Contents("stopped"));
    }

    [Fact]
    public async Task ARunThatEndsBadly_ServesItsBestPhase_AndEvaluatesIt()
    {
        // The second stage's learning rate ruins what the first has learned.
        RunConfig config = _runs.Config with
        {
            Recipe = _runs.Config.Recipe with
            {
                EarlyStopping = true,
                Phases = 4,
                Stages = [new PhaseStage(2, 4, 0.01, 1), new PhaseStage(2, 4, 3.0, 0)],
                InnerSteps = 4,
            },
            Evaluation = _runs.Config.Evaluation with { MaxDocuments = 0, MaxValidationDocuments = 0 },
        };
        RunResults stopped = await _runs.TrainAsync("stopped", config);
        RunResults plain = await _runs.TrainAsync("plain", config with { Recipe = config.Recipe with { EarlyStopping = false } });
        RunView view = new(_runs.File("stopped"));

        Assert.NotEmpty(view.Model!.Stopped);
        Assert.All(view.Model.Stopped, path => Assert.InRange(path.PhasesDone, 1, 2));
        Assert.True(stopped.Evaluation[0].Perplexity < plain.Evaluation[0].Perplexity, $"{stopped.Evaluation[0].Perplexity} against {plain.Evaluation[0].Perplexity}");
        Assert.NotEqual(plain.ModelDigest, stopped.ModelDigest);
        Assert.Equal(plain.Validation, stopped.Validation);
        Assert.True((await _runs.VerifyAsync("stopped")).IsSound);
        EvaluationResult again = await new RunEngine(TimeProvider.System).EvaluateAsync(
            _runs.File("stopped"), [], new DiPaCo.RunHost.SilentObserver(), CancellationToken.None);
        Assert.Equal(stopped.Evaluation[0].Perplexity, again.Evaluation[0].Perplexity, 1e-9);
        Assert.Equal(stopped.ModelDigest, again.ModelDigest);
    }

    private static TransformerShape Shape { get; } = new()
    {
        Vocabulary = 61, Blocks = 1, Width = 32, Heads = 2, KeyValueHeads = 1, HeadWidth = 16, FeedForward = 64,
    };
}
