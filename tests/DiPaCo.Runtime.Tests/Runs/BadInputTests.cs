using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.RunHost;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Runs;

/// <summary>Text and runs at the edge of sense: a whole run of them ends well, or with a message that helps, and never with a NaN.</summary>
public sealed class BadInputTests : IDisposable
{
    private const string Sentence = "the quick brown fox jumps over the lazy dog again and again until it is night";

    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task AShardSmallerThanABatch_GoesRoundSeveralTimesInABatch()
    {
        await File.WriteAllLinesAsync(_runs.Corpus, SmallCorpus.Lines(60));
        RunConfig config = _runs.Config with { Recipe = _runs.Config.Recipe with { BatchSequences = 128 } };

        RunResults results = await AssertSoundAsync(config);

        Assert.All(results.Shards, shard => Assert.InRange(shard.Documents, 1, 50));
    }

    [Theory]
    [InlineData(RoutingMethod.KMeans)]
    [InlineData(RoutingMethod.BalancedKMeans)]
    [InlineData(RoutingMethod.ProductKMeans)]
    [InlineData(RoutingMethod.ResidualKMeans)]
    public async Task WhereEveryDocumentIsTheSame_EveryPathHasAShard_AndEveryTestDocumentOnePath(RoutingMethod method)
    {
        await File.WriteAllLinesAsync(_runs.Corpus, Enumerable.Range(0, 200).Select(i => Line(Sentence, $"{i}")));

        RunResults results = await AssertSoundAsync(EveryRouter with { Routing = _runs.Config.Routing with { Method = method } });

        Assert.All(results.Shards, shard => Assert.True(shard.Documents > 0));
        Assert.Equal(new RouterQuality(results.Router!.Documents, 0, 0, results.Router.OracleAgreement), results.Router);
        Assert.Single(results.Evaluation.Where(row => row.Kind is ModelKind.Rerouted).Select(row => Math.Round(row.Perplexity, 3)).Distinct());
    }

    [Fact]
    public async Task TextOfOneOriginal_ThatIsHeldOut_IsRefused_WithTheReason()
    {
        await File.WriteAllLinesAsync(_runs.Corpus, Enumerable.Repeat(Line(Sentence, "d0"), 200));
        RunConfig config = _runs.Config with { Data = _runs.Config.Data with { TestShare = 0.9, ValidationShare = 0.09 } };

        DiPaCoException refusal = await Assert.ThrowsAsync<DiPaCoException>(() => _runs.TrainAsync("run", config));

        Assert.Contains("200 documents, is held out, and nothing is left to train on (validation ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("records with the same url", refusal.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_runs.File("run")));
    }

    [Fact]
    public async Task ATokenRouterWithNothingToLearnFrom_IsRefusedBeforeAnythingIsTrained()
    {
        RunConfig config = EveryRouter with { Data = _runs.Config.Data with { RouterShare = 1e-9 }, Discriminative = new DiscriminativeOptions() };
        EventLog events = new();

        DiPaCoException refusal = await Assert.ThrowsAsync<DiPaCoException>(() => _runs.TrainAsync("run", config, events));

        Assert.StartsWith("No document of the router split is longer than the prefix of 8 tokens", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("evaluation.reroute_router", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(events.Of<StepMade>());
        Assert.False(Directory.Exists(_runs.File("run")));
    }

    [Fact]
    public async Task APrefixLongerThanEveryDocument_IsRefused_InTrainingAndInEvaluation()
    {
        await _runs.TrainAsync("run");
        string text = _runs.File("short.jsonl");
        await File.WriteAllLinesAsync(text, Enumerable.Range(0, 20).Select(i => Line("a b", $"{i}")));

        DiPaCoException evaluation = await Assert.ThrowsAsync<DiPaCoException>(() => EvaluateAsync(text));
        DiPaCoException training = await Assert.ThrowsAsync<DiPaCoException>(() =>
            _runs.TrainAsync("short", _runs.Config with { Data = _runs.Config.Data with { Paths = [text] } }));

        Assert.Equal("No document has a token after its routing prefix, so there is nothing to score. Give longer documents.", evaluation.Message);
        Assert.Contains("20 documents, of which 0 are longer than the prefix of 8 tokens", training.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RoutersOfAnotherTopology_AreRefusedByEval_AndFoundByVerify()
    {
        await _runs.TrainAsync("run", EveryRouter);
        await _runs.TrainAsync("other", EveryRouter with { Topology = EveryRouter.Topology with { Replicas = 2 } });
        RunView run = new(_runs.File("run"));
        RunView other = new(_runs.File("other"));
        foreach (BlobHash router in new[] { other.Model!.Router, other.Model.TokenRouters[0].Blob })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(run.FileOf(router))!);
            File.Copy(other.FileOf(router), run.FileOf(router));
        }

        (run.Model! with { Router = other.Model.Router }).Write(run.Paths, SilentStorageSteps.Instance);
        DiPaCoException ofDocuments = await Assert.ThrowsAnyAsync<DiPaCoException>(() => EvaluateAsync());
        VerifyResult found = await _runs.VerifyAsync("run");
        (run.Model with { TokenRouters = other.Model.TokenRouters }).Write(run.Paths, SilentStorageSteps.Instance);
        DiPaCoException ofTokens = await Assert.ThrowsAnyAsync<DiPaCoException>(() => EvaluateAsync());

        Assert.Contains("The router chooses among 8 paths (0, 1, 2, 3, 4, 5, 6, 7), but the model has 4 paths (0, 1, 2, 3): it was fitted for another topology.", ofDocuments.Message, StringComparison.Ordinal);
        Assert.Contains(found.Damaged, damage => damage.What == "model.json");
        Assert.Contains(other.Model.TokenRouters[0].Blob.Hex, ofTokens.Message, StringComparison.Ordinal);
    }

    /// <summary>Discriminative rounds, both routers of chunks, and the bounds.</summary>
    private RunConfig EveryRouter => _runs.Config with
    {
        Data = _runs.Config.Data with { RouterShare = 0.1 },
        Discriminative = new DiscriminativeOptions { AfterPhases = [1] },
        Evaluation = _runs.Config.Evaluation with { RouterBounds = true, RerouteWindows = [16, 64], TokenRouterSteps = 3 },
    };

    private static string Line(string text, string url) => JsonSerializer.Serialize(new { text, url });

    private Task<EvaluationResult> EvaluateAsync(params string[] data) =>
        new RunEngine(TimeProvider.System).EvaluateAsync(_runs.File("run"), [.. data], new SilentObserver(), CancellationToken.None);

    /// <summary>Trained, every number is one, eval repeats them, and nothing is damaged.</summary>
    private async Task<RunResults> AssertSoundAsync(RunConfig config)
    {
        RunResults results = await _runs.TrainAsync("run", config);
        string json = await File.ReadAllTextAsync(Path.Combine(_runs.File("run"), ResultsFile.FileName));

        Assert.DoesNotContain("NaN", json, StringComparison.Ordinal);
        Assert.DoesNotContain("Infinity", json, StringComparison.Ordinal);
        Assert.Equal(results.Evaluation, (await EvaluateAsync()).Evaluation);
        Assert.Empty((await _runs.VerifyAsync("run")).Damaged);
        return results;
    }
}
