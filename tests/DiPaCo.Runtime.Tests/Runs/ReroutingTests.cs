using System.Text.Json;
using DiPaCo.Core.Configuration;
using DiPaCo.Core.Planning;
using DiPaCo.RunHost;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Runs;

/// <summary>A whole run whose test documents are re-routed.</summary>
public sealed class ReroutingTests : IDisposable
{
    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task EveryRouterAndWindow_HasARow_AndARunGoesOnFromAnyOfThem()
    {
        RunConfig config = Config with { Evaluation = Config.Evaluation with { RerouteRouter = ReroutingRouter.All } };
        RunResults results = await _runs.TrainAsync("run", config);

        EvaluationRow routed = results.Evaluation[0];
        EvaluationRow[] rerouted = [.. results.Evaluation.Where(row => row.Kind == ModelKind.Rerouted)];
        Assert.Equal(
            [.. Of("prefix router"), .. Of("document router on the chunk before"), .. Of("document router on all before"), .. Of("token router")],
            rerouted.Select(row => row.Model));
        Assert.Single(results.Evaluation.Select(row => row.ScoredTokens).Distinct());
        foreach (EvaluationRow once in rerouted.Where((_, row) => row % 2 == 1))
        {
            Assert.Equal(0, once.SwitchShare);
            Assert.Equal(routed.Perplexity, once.Perplexity, 1e-5 * routed.Perplexity);
            Assert.Equal(routed.PerplexityWithPrefix, once.PerplexityWithPrefix, 1e-5 * routed.PerplexityWithPrefix);
            Assert.Equal(routed.BitsPerByte, once.BitsPerByte, 1e-5 * routed.BitsPerByte);
        }

        Assert.All(rerouted, row => Assert.InRange(row.SwitchShare!.Value, 0, 1));
        Assert.Empty((await _runs.VerifyAsync("run")).Damaged);

        // Four paths of 20 documents, some of which the oracle sends elsewhere.
        RouterQuality quality = results.Router!;
        Assert.Equal(20, quality.Documents);
        Assert.InRange(quality.EntropyShare!.Value, 0.1, 1);
        Assert.Equal(quality.Entropy / 2, quality.EntropyShare.Value, 1e-12);
        Assert.Equal(Math.Round(quality.OracleAgreement!.Value * 20), quality.OracleAgreement.Value * 20, 1e-9);

        // Only the token router's rows pay for it: for the router split under every path, and for its training.
        RunView routing = new(_runs.File("run"));
        double tokenRouter = TaskFlops.Of(ResultOf(routing.Only("train-token-router")));
        Assert.All(rerouted[..6], row => Assert.Equal(routed.RoutingFlops, row.RoutingFlops));
        Assert.All(rerouted[6..], row => Assert.InRange(row.RoutingFlops - routed.RoutingFlops, 1.01 * tokenRouter, double.MaxValue));
        Assert.True(routed.RoutingFlops > 0);

        // What the plan says of the tree of paths is what was computed.
        RunView run = new(_runs.File("run"));
        PlannedStage planned = RunPlan.Of(run.Config, new PlanAssumptions()).Stages.Single(stage => stage.Name == "test split under every path");
        ScoreMetrics[] scores = [.. run.Entries.Where(entry => entry.Kind == "score").Select(entry => JsonSerializer.Deserialize<ScoreMetrics>(entry.Metrics, TaskJson.Options)!)];
        Assert.Equal(2 * planned.ModuleEvaluations, scores.Sum(score => score.ModuleEvaluations));

        // Evaluated again, with the routers that the run has kept, it says the same and is left alone.
        string[] before = _runs.Contents("run");
        EvaluationResult again = await EvaluateAsync("run");
        Assert.Equal(results.Evaluation, again.Evaluation);
        Assert.Equal(results.Router, again.Router);
        Assert.Equal(before, _runs.Contents("run"));

        // Stopped in its evaluation and taken up again, the run says the same.
        Assert.True(await _runs.TrainUntilAsync("stopped", (_, runEvent) => runEvent is RunNote note && note.Text.StartsWith("Scoring", StringComparison.Ordinal), config));
        RunResults resumed = await _runs.TrainAsync("stopped", config);
        Assert.Equal(results.Evaluation, resumed.Evaluation);
        Assert.Equal(_runs.Contents("run"), _runs.Contents("stopped"));
    }

    private static IEnumerable<string> Of(string router) =>
        [$"DiPaCo 2×2 + path-private, re-routed every 16 by the {router}", $"DiPaCo 2×2 + path-private, re-routed every 1048576 by the {router}"];

    private static TaskResult ResultOf(JournalEntry entry) => new(entry.Outputs, entry.Metrics);

    [Theory]
    [InlineData(ReroutingRouter.Chunk)]
    [InlineData(ReroutingRouter.Token)]
    public async Task WithoutBounds_AndByOneRouter_TheEvaluationIsRepeatedAllTheSame(ReroutingRouter router)
    {
        RunConfig config = Config with { Evaluation = Config.Evaluation with { RouterBounds = false, RerouteRouter = router } };

        RunResults results = await _runs.TrainAsync("run", config);
        EvaluationResult again = await EvaluateAsync("run");

        Assert.Equal(2, results.Evaluation.Count(row => row.Kind == ModelKind.Rerouted));
        Assert.Equal(results.Evaluation, again.Evaluation);
        Assert.Equal(router == ReroutingRouter.Token, new RunView(_runs.File("run")).Model!.TokenRouters.Length == 1);
    }

    [Fact]
    public async Task ARouterForEveryWindow_LooksAsFarAsTheWindow_AndServesItAlone()
    {
        RunConfig config = Config with
        {
            Evaluation = Config.Evaluation with { RerouteRouter = ReroutingRouter.Token, RerouteWindows = [16, 32], TokenRouterHorizon = null },
        };

        RunResults results = await _runs.TrainAsync("run", config);

        RunView run = new(_runs.File("run"));
        Assert.Equal([16, 32], run.Model!.TokenRouters.SelectMany(router => router.Windows));
        JournalEntry[] trained = [.. run.Entries.Where(entry => entry.Kind == "train-token-router")];
        Assert.Equal(run.Model.TokenRouters.Select(router => router.Blob), trained.Select(entry => entry.Outputs[TokenRouterSpec.Output]));
        Assert.Equal(2, trained.Length);
        Assert.Equal(2, RunPlan.Of(run.Config, new PlanAssumptions()).Stages.Single(stage => stage.Name == "token router").Steps / 5);

        // Each row pays for its own router only.
        EvaluationRow[] rerouted = [.. results.Evaluation.Where(row => row.Kind == ModelKind.Rerouted)];
        Assert.Equal(run.Model.TokenRouters.Select(router => router.Flops), rerouted.Select(row => row.RoutingFlops - results.Evaluation[0].RoutingFlops), (one, other) => Math.Abs(one - other) < 1e-6 * one);
        Assert.Equal(results.Evaluation, (await EvaluateAsync("run")).Evaluation);

        // One router for every window that looks 16 tokens ahead is the first of these two, one that looks 32 ahead the second.
        string[] keys = [await KeyOfOneAsync("short", 16), await KeyOfOneAsync("long", 32)];
        Assert.Equal(trained.Select(entry => entry.Key), keys);
        Assert.NotEqual(keys[0], keys[1]);

        async Task<string> KeyOfOneAsync(string name, int horizon)
        {
            await _runs.TrainAsync(name, config with { Evaluation = config.Evaluation with { TokenRouterHorizon = horizon } });
            return new RunView(_runs.File(name)).Only("train-token-router").Key;
        }
    }

    [Fact]
    public async Task ForeignText_IsReroutedByTheRunsOwnRouters()
    {
        string text = _runs.File("foreign.jsonl");
        await File.WriteAllLinesAsync(text, SmallCorpus.Lines(50, seed: 7));
        RunResults results = await _runs.TrainAsync("run", Config);

        EvaluationResult foreign = await EvaluateAsync("run", text);

        Assert.Equal(50, foreign.Documents);
        Assert.Equal(results.Evaluation.Select(row => row.Model), foreign.Evaluation.Select(row => row.Model));
        Assert.Single(foreign.Evaluation.Select(row => row.ScoredTokens).Distinct());
        EvaluationRow[] rerouted = [.. foreign.Evaluation.Where(row => row.Kind == ModelKind.Rerouted)];
        foreach (EvaluationRow once in new[] { rerouted[1], rerouted[3] })
        {
            // A window beyond every document's end is routing once, on foreign text too.
            Assert.Equal(0, once.SwitchShare);
            Assert.Equal(foreign.Evaluation[0].Perplexity, once.Perplexity, 1e-5 * once.Perplexity);
        }
    }

    [Fact]
    public async Task UnfinishedRun_HasNoTokenRouterYet_AndSaysSo()
    {
        EventLog events = new();
        Assert.True(await _runs.TrainUntilAsync("run", (_, runEvent) => runEvent is PhaseFinished { Phase.Value: 0 }, Config));

        EvaluationResult result = await new RunEngine(TimeProvider.System).EvaluateAsync(_runs.File("run"), [], events, CancellationToken.None);

        Assert.Equal(2, result.Evaluation.Count(row => row.Kind == ModelKind.Rerouted));
        Assert.All(result.Evaluation.Where(row => row.Kind == ModelKind.Rerouted), row => Assert.EndsWith("by the document router on all before", row.Model, StringComparison.Ordinal));
        Assert.Contains(events.Of<RunNote>(), note => note.IsWarning && note.Text.StartsWith("The run has no token router yet", StringComparison.Ordinal));
    }

    private RunConfig Config => _runs.Config with
    {
        Data = _runs.Config.Data with { RouterShare = 0.1 },
        Evaluation = _runs.Config.Evaluation with
        {
            DenseEqualSteps = false, RouterBounds = true, RerouteWindows = [16, 1 << 20], TokenRouterSteps = 5, MaxDocuments = 20,
        },
    };

    private Task<EvaluationResult> EvaluateAsync(string name, params string[] data) =>
        new RunEngine(TimeProvider.System).EvaluateAsync(_runs.File(name), [.. data], new SilentObserver(), CancellationToken.None);
}
