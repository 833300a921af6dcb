using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Runtime.Recipe;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Recipe;

/// <summary>More losses than there is room for are refused before a run is trained, not after.</summary>
public sealed class ScoringLimitsTests : IDisposable
{
    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task TheDocumentsThatArePossible_AreSaid_AndTheTokenRouterLearnsFromNoMoreThanItMay()
    {
        RunConfig config = _runs.Config with
        {
            Data = _runs.Config.Data with { RouterShare = 0.3 },
            Recipe = _runs.Config.Recipe with { Phases = 1 },
            Evaluation = _runs.Config.Evaluation with
            {
                DenseEqualSteps = false, EveryPhases = 0, RerouteWindows = [16], RerouteRouter = ReroutingRouter.Token, TokenRouterSteps = 2, MaxTokenRouterDocuments = 7,
            },
        };
        await _runs.TrainAsync("run", config);
        RunView run = new(_runs.File("run"));
        using TokenCorpus corpus = TokenCorpus.Open([.. run.Model!.Chunks.Select(run.FileOf)]);

        // The test split is scored first, the router split last.
        ScoreMetrics[] scores = [.. run.Entries.Where(entry => entry.Kind == "score").Select(entry => JsonSerializer.Deserialize<ScoreMetrics>(entry.Metrics, TaskJson.Options)!)];
        Assert.Equal(7, scores[^1].Documents);
        new ScoringLimits(config, corpus, 4).Check();

        // Under so many paths seven documents have room for a few only.
        const int paths = 200_000;
        DiPaCoException refusal = Assert.Throws<DiPaCoException>(() => new ScoringLimits(config, corpus, paths).Check());
        Assert.StartsWith("evaluation.max_token_router_documents is 7: the router split's 7 documents would have ", refusal.Message, StringComparison.Ordinal);
        int possible = int.Parse(System.Text.RegularExpressions.Regex.Match(refusal.Message, "of 1 to ([0-9]+),").Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(possible, 1, 6);

        // As many as it says are possible, and one more is not.
        new ScoringLimits(Limited(possible), corpus, paths).Check();
        Assert.StartsWith("evaluation.max_token_router_documents is ", Refusal(Limited(possible + 1)), StringComparison.Ordinal);

        RunConfig Limited(int documents) => config with { Evaluation = config.Evaluation with { MaxTokenRouterDocuments = documents } };
        string Refusal(RunConfig limited) => Assert.Throws<DiPaCoException>(() => new ScoringLimits(limited, corpus, paths).Check()).Message;
    }

    [Fact]
    public async Task DiscriminativeRounds_AndTheBoundsOfRouters_AreLookedAtToo()
    {
        RunConfig plain = _runs.Config with { Data = _runs.Config.Data with { RouterShare = 0.3 }, Evaluation = _runs.Config.Evaluation with { EveryPhases = 0 } };
        Assert.True(await _runs.TrainUntilAsync("run", (_, runEvent) => runEvent is StepMade, plain));
        RunView run = new(_runs.File("run"));
        using TokenCorpus corpus = TokenCorpus.Open([.. run.Entries.Where(entry => entry.Kind == "tokenize").SelectMany(entry => entry.Outputs).Where(output => output.Key.StartsWith("chunk", StringComparison.Ordinal)).Select(output => run.FileOf(output.Value))]);
        RunConfig rounds = plain with { Discriminative = plain.Discriminative with { AfterPhases = [1] } };
        const int paths = 100_000_000;

        new ScoringLimits(plain, corpus, paths).Check();
        Assert.StartsWith("discriminative.max_documents is 0: the router split's ", Refusal(rounds), StringComparison.Ordinal);
        Assert.Contains("Expected discriminative.max_documents of 1 to 1, or fewer paths (topology).", Refusal(rounds), StringComparison.Ordinal);
        new ScoringLimits(rounds with { Discriminative = rounds.Discriminative with { MaxDocuments = 1 } }, corpus, paths).Check();
        new ScoringLimits(rounds with { Discriminative = rounds.Discriminative with { Candidates = 4 } }, corpus, paths).Check();
        Assert.Contains("discriminative.candidates", Refusal(rounds with { Discriminative = rounds.Discriminative with { Candidates = paths - 1 } }), StringComparison.Ordinal);
        Assert.StartsWith(
            "evaluation.max_documents is 0: the test split's ",
            Refusal(plain with { Evaluation = plain.Evaluation with { RouterBounds = true, MaxDocuments = 0 } }), StringComparison.Ordinal);

        string Refusal(RunConfig config) => Assert.Throws<DiPaCoException>(() => new ScoringLimits(config, corpus, paths).Check()).Message;
    }

    [Fact]
    public async Task ARunWithoutRoom_IsRefusedBeforeAnythingIsTrained()
    {
        string word = string.Concat(Enumerable.Range(0, 2_400).Select(i => (char)('a' + (i * 7 % 26))));
        await File.WriteAllLinesAsync(
            _runs.File("long.jsonl"), Enumerable.Range(0, 1_500).Select(i => $$"""{"text":"{{i}} {{word}}","url":"https://example.org/{{i}}"}"""), TestContext.Current.CancellationToken);
        RunConfig config = _runs.Config with
        {
            Data = _runs.Config.Data with { Paths = [_runs.File("long.jsonl")], RouterShare = 0.2, ValidationShare = 0.01, TestShare = 0.01 },
            Topology = _runs.Config.Topology with { Levels = [.. _runs.Config.Topology.Levels.Select(level => level with { Experts = 32, PrivateBlocks = [] })] },
            Evaluation = _runs.Config.Evaluation with { RerouteWindows = [16], RerouteRouter = ReroutingRouter.Token, TokenRouterSteps = 2 },
        };

        EventLog events = new();
        DiPaCoException refusal = await Assert.ThrowsAsync<DiPaCoException>(() => _runs.TrainAsync("run", config, events));

        Assert.StartsWith("evaluation.max_token_router_documents is 0: the router split's ", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(events.Of<StageStarted>(), started => started.Stage == Stage.Base);
    }
}
