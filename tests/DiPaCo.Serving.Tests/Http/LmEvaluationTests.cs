using System.Text.Json.Nodes;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Serving.Tests.Support;
using Xunit;

namespace DiPaCo.Serving.Tests.Http;

/// <summary>
/// What lm-evaluation-harness does with its model <c>local-completions</c>: the requests that it sends, and how it reads the answers. The
/// harness itself is a program in Python that this repository does not install.
/// </summary>
[Collection(nameof(ServedRunTests))]
public sealed class LmEvaluationTests(ServedRun served)
{
    private static readonly (string Context, string Continuation)[] Questions =
        [("The old mill", " stood by"), ("A river", " ran"), ("Nobody knew what", " the captain said"), ("q", "z")];

    private static readonly string[] Until = ["\n\n", "<|endoftext|>"];

    private PathId Path => served.Run.Grid.Topology.Paths[2];

    private string Model => $"{served.Model}:path-{Path.Value}";

    [Fact]
    public async Task LoglikelihoodsOfListsOfTokensAreThoseOfTrainingsForwardPass()
    {
        TextTokenizer tokenizer = await served.Run.Grid.LoadTokenizerAsync(CancellationToken.None);
        int[][] contexts = [.. Questions.Select(question => tokenizer.Encode(question.Context))];
        int[][] inputs = [.. Questions.Select((question, at) => (int[])[.. contexts[at], .. tokenizer.Encode(question.Continuation)])];
        JsonNode answer = await served.PostAsync("/v1/completions", Scoring(inputs));
        (double Sum, bool IsGreedy)[] found = Read(answer, [.. contexts.Select(context => context.Length)]);
        for (int at = 0; at < inputs.Length; at++)
        {
            (double sum, bool isGreedy) = await ExpectedAsync(inputs[at], contexts[at].Length);
            Assert.Equal(sum, found[at].Sum, 1e-3);
            Assert.Equal(isGreedy, found[at].IsGreedy);
        }
    }

    [Fact]
    public async Task LoglikelihoodsOfTextsCountTheirOwnTokensOnly()
    {
        TextTokenizer tokenizer = await served.Run.Grid.LoadTokenizerAsync(CancellationToken.None);
        int[] contexts = [.. Questions.Select(question => tokenizer.Encode(question.Context).Length)];
        string[] texts = [.. Questions.Select(question => question.Context + question.Continuation)];
        (double Sum, bool IsGreedy)[] found = Read(await served.PostAsync("/v1/completions", Scoring(texts)), contexts);
        for (int at = 0; at < texts.Length; at++)
        {
            // The prompt begins behind the end of a document, which the harness does not know of.
            (double sum, bool isGreedy) = await ExpectedAsync([tokenizer.EndOfText, .. tokenizer.Encode(texts[at])], contexts[at] + 1);
            Assert.Equal(sum, found[at].Sum, 1e-3);
            Assert.Equal(isGreedy, found[at].IsGreedy);
        }
    }

    [Fact]
    public async Task AGreedyContinuationIsFoundToBeOne()
    {
        TextTokenizer tokenizer = await served.Run.Grid.LoadTokenizerAsync(CancellationToken.None);
        List<int> tokens = [.. tokenizer.Encode("The old mill")];
        int context = tokens.Count;
        for (int at = 0; at < 4; at++)
        {
            float[] logits = (await PathLogits.OfEveryPositionAsync(served.Run.Grid, Path, [.. tokens]))[^1];
            tokens.Add(Array.IndexOf(logits, logits.Max()));
        }

        Assert.True(Read(await served.PostAsync("/v1/completions", Scoring(new[] { tokens.ToArray() })), [context])[0].IsGreedy);
    }

    [Fact]
    public async Task TheLastTokenIsScoredAlsoWhereTheModelEndsTheText()
    {
        // The harness leaves the last entry away, which is that of the one token that it has written: a model that ends the text instead writes one, too.
        TextTokenizer tokenizer = await served.Run.Grid.LoadTokenizerAsync(CancellationToken.None);
        int[] tokens = [.. tokenizer.Encode("The old mill")];
        JsonObject body = Scoring(new[] { tokens });
        body["logit_bias"] = new JsonObject { [$"{tokenizer.EndOfText}"] = 100 };
        foreach (int most in new[] { 1, 3 })
        {
            body["max_tokens"] = most;
            JsonNode answer = await served.PostAsync("/v1/completions", body);
            Assert.Equal("stop", answer["choices"]![0]!["finish_reason"]!.GetValue<string>());
            JsonNode scores = answer["choices"]![0]!["logprobs"]!;
            Assert.Equal(tokens.Length + 1, scores["token_logprobs"]!.AsArray().Count);
            Assert.Equal(tokens.Length + 1, scores["top_logprobs"]!.AsArray().Count);
            Assert.Equal(tokens.Length + 1, scores["tokens"]!.AsArray().Count);
            Assert.Equal((await ExpectedAsync(tokens, 1)).Sum, Read(answer, [1])[0].Sum, 1e-3);
        }

        body["max_tokens"] = 0;
        Assert.Equal(tokens.Length, (await served.PostAsync("/v1/completions", body))["choices"]![0]!["logprobs"]!["token_logprobs"]!.AsArray().Count);
    }

    [Fact]
    public async Task GenerationsOfBatchesComeByTheirIndex()
    {
        string[] prompts = [.. Questions.Select(question => question.Context)];
        object Body(object prompt) => new { prompt, model = Model, max_tokens = 12, temperature = 0, stop = Until, seed = 1234 };
        JsonNode answer = await served.PostAsync("/v1/completions", Body(prompts));
        string[] generated = new string[prompts.Length];
        foreach (JsonNode? choice in answer["choices"]!.AsArray())
        {
            generated[choice!["index"]!.GetValue<int>()] = choice["text"]!.GetValue<string>();
        }

        for (int at = 0; at < prompts.Length; at++)
        {
            Assert.Equal((await served.PostAsync("/v1/completions", Body(prompts[at])))["choices"]![0]!["text"]!.GetValue<string>(), generated[at]);
        }
    }

    private JsonObject Scoring(object prompts) => new()
    {
        ["model"] = Model, ["prompt"] = System.Text.Json.JsonSerializer.SerializeToNode(prompts), ["temperature"] = 0, ["max_tokens"] = 1, ["logprobs"] = 1, ["seed"] = 1234, ["echo"] = true,
    };

    /// <summary>The harness: choices by index; from the context's end to the last entry but one; greedy where every token is the likeliest named.</summary>
    private static (double Sum, bool IsGreedy)[] Read(JsonNode answer, int[] contexts) =>
        [.. answer["choices"]!.AsArray().OrderBy(choice => choice!["index"]!.GetValue<int>()).Zip(contexts, (choice, context) =>
        {
            JsonNode scores = choice!["logprobs"]!;
            double[] own = [.. scores["token_logprobs"]!.AsArray().ToArray()[context..^1].Select(score => score!.GetValue<double>())];
            double[] best = [.. scores["top_logprobs"]!.AsArray().ToArray()[context..^1].Select(top => top!.AsObject().Max(pair => pair.Value!.GetValue<double>()))];
            return (own.Sum(), own.SequenceEqual(best));
        })];

    private async Task<(double Sum, bool IsGreedy)> ExpectedAsync(int[] tokens, int context)
    {
        float[][] logits = await PathLogits.OfEveryPositionAsync(served.Run.Grid, Path, tokens);
        double sum = 0;
        bool isGreedy = true;
        for (int at = context; at < tokens.Length; at++)
        {
            double[] row = [.. logits[at - 1].Select(logit => (double)logit)];
            sum += row[tokens[at]] - row.Max() - Math.Log(row.Sum(logit => Math.Exp(logit - row.Max())));
            isGreedy &= row[tokens[at]] == row.Max();
        }

        return (sum, isGreedy);
    }
}
