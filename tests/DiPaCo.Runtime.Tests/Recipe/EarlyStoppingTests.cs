using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Recipe;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Recipe;

/// <summary>Each path is served as it was when it did best on its own validation documents.</summary>
public sealed class EarlyStoppingTests : IDisposable
{
    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public void TheLowestLossOfEachPath_IsServed_TheEarliestAmongEquals()
    {
        ModelTopology topology = ModelTopology.Create(
            new TopologyOptions { Embedding = Sharing.Shared, Head = Sharing.Shared, Levels = [new LevelOptions { Blocks = 1, Experts = 3 }] }, Shape);
        EarlyStopping stopping = new();

        stopping.Look(Version(1), Losses(3.0, 2.0, 5.0));
        stopping.Look(Version(2), Losses(2.5, 2.0, 4.0));
        stopping.Look(Version(3), Losses(2.6, 2.5, double.NaN));
        ServedModel served = stopping.Serve(topology, Version(3));

        Assert.Equal([(0, 2), (1, 1), (2, 2)], served.Stopped.Select(path => (path.Key.Value, path.Value.Phase.Value)));
        Assert.NotEqual(new ServedModel(topology, Version(3), ImmutableSortedDictionary<PathId, ModelVersion>.Empty).Digest, served.Digest);
        Assert.Equal(Version(1).Modules[new ModuleId("level1.expert1")], served.PathOf(new PathId(1), ComputeType.Fp32).Modules.Single(module => module.Id.Name == "level1.expert1").Blob);

        stopping.Restart();
        stopping.Look(Version(3), Losses(9, 9, 9));
        Assert.Empty(stopping.Serve(topology, Version(3)).Stopped);

        ModelVersion Version(int phase) => new(
            new Phase(phase), topology.Modules.ToImmutableSortedDictionary(module => module.Id, module => BlobHash.Of([(byte)phase, (byte)module.Id.Name.Length, (byte)module.Id.Name[^1]])),
            ImmutableSortedDictionary<ModuleId, BlobHash>.Empty, ImmutableSortedDictionary<PathId, BlobHash>.Empty);
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

    private static Dictionary<PathId, EvaluationMetrics> Losses(params double[] losses) => losses
        .Select((loss, path) => (Path: new PathId(path), Loss: loss))
        .ToDictionary(entry => entry.Path, entry => double.IsNaN(entry.Loss) ? EvaluationMetrics.None : new EvaluationMetrics(1, 10, entry.Loss * 10, 0, 0, 1));
}
