using System.Text.Json.Nodes;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.RunHost;
using DiPaCo.Runtime;
using DiPaCo.Serving.Inference;
using DiPaCo.Serving.Models;
using DiPaCo.Serving.Scheduling;
using Xunit;

namespace DiPaCo.Serving.Tests.Http;

[Collection(nameof(ReroutedRunTests))]
public sealed class RerouteTests(ReroutedRun run)
{
    [Theory]
    [InlineData("prefix", 16)]
    [InlineData("token", 16)]
    [InlineData("prefix", 5)]
    [InlineData("token", 7)]
    public async Task EveryChunkIsScoredAndWrittenUnderThePathOfTheTokensBeforeIt(string router, int window)
    {
        // The texts that switch most often, and there to a path with which the one before has its first level in common.
        int switches = 0;
        string[] texts = [.. run.Texts.OrderByDescending(text => SwitchesOf(text, router, window).Partly).ThenByDescending(text => SwitchesOf(text, router, window).All).Take(3)];
        Assert.True(SwitchesOf(texts[0], router, window).All > 0, "No text goes to another path, so the test shows nothing.");
        foreach (string text in texts)
        {
            int[] prompt = run.TokensOf(text)[..^1];
            int count = Math.Min(30, 96 - prompt.Length);
            PathId first = FirstOf(prompt);
            JsonNode answer = await CompleteAsync(prompt, count, router, window, echo: true);
            JsonNode[] scores = [.. answer["choices"]![0]!["logprobs"]!["token_logprobs"]!.AsArray().Select(score => score!)];
            string[] pieces = [.. answer["choices"]![0]!["logprobs"]!["tokens"]!.AsArray().Select(token => token!.GetValue<string>())];
            List<int> tokens = [.. prompt];
            for (int at = 1; at < pieces.Length; at++)
            {
                float[] logits = run.Logits(PathOf([.. tokens.Take(at)], first, router, window), tokens.Take(at).ToArray());
                if (at == tokens.Count)
                {
                    tokens.Add(Array.IndexOf(logits, logits.Max()));
                }

                Assert.Equal(pieces[at], run.Tokenizer.Decode([tokens[at]]));
                Assert.Equal(LogProbability(logits, tokens[at]), scores[at].GetValue<double>(), 1e-4);
            }

            PathId[] paths = [.. Enumerable.Range(1, tokens.Count - 1).Select(at => PathOf([.. tokens.Take(at)], first, router, window))];
            (int Position, int To)[] expected = [.. Enumerable.Range(1, paths.Length - 1).Where(at => paths[at] != paths[at - 1]).Select(at => (at + 1, paths[at].Value))];
            Assert.Equal(expected, answer["dipaco"]!["reroutes"]!.AsArray().Select(one => (one!["position"]!.GetValue<int>(), one["to"]!.GetValue<int>())));
            switches += answer["dipaco"]!["reroutes"]!.AsArray().Count(one => one!["first_block"]!.GetValue<int>() == 2);
        }

        Assert.True(
            switches > 0 || SwitchesOf(texts[0], router, window).Partly == 0,
            "No text went to a path that shares its first level, so the test shows nothing of a cache that is taken over in part.");
    }

    [Theory]
    [InlineData("prefix")]
    [InlineData("token")]
    public async Task APromptThatIsNotScoredChangesNothingOfWhatIsWritten(string router)
    {
        foreach (string text in run.Texts.Where(text => run.TokensOf(text).Length < 85).Take(6))
        {
            int[] prompt = run.TokensOf(text)[..^1];
            JsonNode scored = await CompleteAsync(prompt, 8, router, 6, echo: true);
            JsonNode plain = await CompleteAsync(prompt, 8, router, 6, echo: false);
            string whole = scored["choices"]![0]!["text"]!.GetValue<string>();
            Assert.EndsWith(plain["choices"]![0]!["text"]!.GetValue<string>(), whole, StringComparison.Ordinal);
            Assert.Equal(scored["dipaco"]!["path"]!.GetValue<int>(), plain["dipaco"]!["path"]!.GetValue<int>());
        }
    }

    [Fact]
    public async Task APathBehindWhoseEndAPromptBeginsToBeWrittenIsNamedButNotLoaded()
    {
        int[] prompt = run.Texts.Select(text => run.TokensOf(text)[..^1]).First(tokens => PathOf(tokens, FirstOf(tokens), "prefix", 16) != FirstOf(tokens));
        PathId last = PathOf(prompt, FirstOf(prompt), "prefix", 16);
        await using ServedEngine engine = await ServedEngine.OpenAsync(
            run.Folder, WeightType.Fp32, 1L << 30, new EngineOptions { Threads = 1, CacheBytes = 64 << 20 }, TestContext.Current.CancellationToken);
        using GenerationHandle handle = engine.Engine.TrySubmit(new GenerationRequest
        {
            Model = engine.Source.Current, Prompt = [.. prompt], MaxTokens = 1, Reroute = new RerouteOptions(16, ReroutingRouter.Prefix),
        })!;
        List<GenerationEvent> events = [];
        await SequenceReading.ReadAllAsync(
            [handle],
            (_, happened, _) =>
            {
                events.Add(happened);
                return ValueTask.CompletedTask;
            },
            TestContext.Current.CancellationToken);
        Assert.Equal(FirstOf(prompt), events.OfType<GenerationEvent.Routed>().Single().Path);

        // Nothing was cached yet, so nothing was computed anew.
        GenerationEvent.Rerouted rerouted = events.OfType<GenerationEvent.Rerouted>().Single();
        Assert.Equal((last, run.Grid.Description.Shape.Blocks), (rerouted.To, rerouted.FirstBlock));
        Assert.Equal(run.Grid.ModulesOf(last).Length + 1, engine.Store.Loads);
    }

    [Fact]
    public async Task PerplexityThroughTheApiIsThatOfEval()
    {
        EvaluationResult evaluated = await new RunEngine(TimeProvider.System).EvaluateAsync(run.Folder, [run.TextFile], new SilentObserver(), TestContext.Current.CancellationToken);
        EvaluationRow[] rows = [.. evaluated.Evaluation.Where(row => row.Kind is ModelKind.Routed or ModelKind.Rerouted)];
        Assert.Equal(9, rows.Length);
        Assert.Equal(rows[0].Perplexity, await PerplexityAsync(null, 0), 1e-4 * rows[0].Perplexity);
        Assert.Equal(rows[1].Perplexity, await PerplexityAsync("prefix", 16), 1e-4 * rows[1].Perplexity);
        Assert.Equal(rows[2].Perplexity, await PerplexityAsync("prefix", 32), 1e-4 * rows[2].Perplexity);
        Assert.Equal(rows[7].Perplexity, await PerplexityAsync("token", 16), 1e-4 * rows[7].Perplexity);
        Assert.Equal(rows[8].Perplexity, await PerplexityAsync("token", 32), 1e-4 * rows[8].Perplexity);
    }

    [Fact]
    public async Task EightBitWeightsCostLittlePerplexity()
    {
        double whole = await PerplexityAsync(null, 0);
        await using ServedRun quantized = await ServedRun.OfFolderAsync(run.Folder, options => options with { Weights = WeightType.Q8 });
        double cost = await PerplexityAsync(null, 0, quantized);
        Assert.NotEqual(whole, cost);
        Assert.InRange(cost / whole, 0.98, 1.02);

        // The same cost is told without a server, on the paths that the router chose with its weights as they are.
        EvaluationResult evaluated = await new RunEngine(TimeProvider.System).EvaluateAsync(
            run.Folder, [run.TextFile], new SilentObserver(), TestContext.Current.CancellationToken, new ServedWeights(WeightType.Q8));
        EvaluationRow row = Assert.Single(evaluated.Evaluation, row => row.Kind == ModelKind.RoutedRounded);
        Assert.EndsWith(", int8 weights", row.Model, StringComparison.Ordinal);
        Assert.Equal(cost, row.Perplexity, 1e-4 * cost);
    }

    private static double LogProbability(float[] logits, int token) =>
        logits[token] - logits.Max() - Math.Log(logits.Sum(logit => Math.Exp((double)logit - logits.Max())));

    /// <summary>Perplexity of the tokens behind the routing prefix.</summary>
    private async Task<double> PerplexityAsync(string? router, int window, ServedRun? server = null)
    {
        double loss = 0;
        int count = 0;
        foreach (string text in run.Texts)
        {
            int[] tokens = run.TokensOf(text);
            JsonNode answer = await CompleteAsync(tokens, 0, router, window, echo: true, server);
            double[] scores = [.. answer["choices"]![0]!["logprobs"]!["token_logprobs"]!.AsArray().Skip(run.Grid.Description.PrefixTokens).Select(score => score!.GetValue<double>())];
            loss -= scores.Sum();
            count += scores.Length;
        }

        return Math.Exp(loss / count);
    }

    /// <summary>How often the path changes within a text, and how often so that the first level stays.</summary>
    private (int All, int Partly) SwitchesOf(string text, string router, int window)
    {
        int[] tokens = run.TokensOf(text)[..^1];
        PathId first = FirstOf(tokens);
        PathId[] paths = [.. Enumerable.Range(1, tokens.Length - 1).Select(at => PathOf(tokens[..at], first, router, window))];
        (PathId From, PathId To)[] changes = [.. paths.Zip(paths.Skip(1)).Where(pair => pair.First != pair.Second)];
        return (changes.Length, changes.Count(change => run.Grid.Topology.Grid.ExpertsOf(change.From)[0] == run.Grid.Topology.Grid.ExpertsOf(change.To)[0]));
    }

    private PathId FirstOf(int[] tokens) => run.ByPrefix(tokens.AsSpan(0, run.Grid.Description.PrefixTokens));

    /// <summary>The path of the token behind some tokens, straight from the definition.</summary>
    private PathId PathOf(int[] tokens, PathId first, string router, int window)
    {
        int prefix = run.Grid.Description.PrefixTokens;
        int chunk = tokens.Length < prefix ? 0 : (tokens.Length - prefix) / window;
        int boundary = prefix + (chunk * window);
        return chunk == 0 ? first
            : router == "token" ? run.ByToken(tokens.AsSpan(0, boundary))
            : run.ByPrefix([tokens[0], .. tokens.AsSpan(boundary - prefix + 1, prefix - 1)]);
    }

    private Task<JsonNode> CompleteAsync(int[] prompt, int count, string? router, int window, bool echo, ServedRun? server = null) => (server ?? run.Served).PostAsync("/v1/completions", new
    {
        prompt, max_tokens = count, temperature = 0, echo, logprobs = 0,
        logit_bias = new Dictionary<string, int>(),
        dipaco = router is null ? new Dictionary<string, object>() : new Dictionary<string, object> { ["reroute"] = new { window, router } },
    });
}
