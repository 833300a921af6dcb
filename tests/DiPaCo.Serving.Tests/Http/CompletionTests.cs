using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Serving.Generation;
using DiPaCo.Serving.Grids;
using DiPaCo.Serving.Inference;
using DiPaCo.Serving.Sampling;
using DiPaCo.Serving.Tests.Support;
using Xunit;

namespace DiPaCo.Serving.Tests.Http;

[Collection(nameof(ServedRunTests))]
public sealed class CompletionTests(ServedRun served)
{
    private static readonly string[] Inputs = ["The old mill stood by the river", "zzz"];

    [Fact]
    public async Task GreedyTextIsWhatTrainingsForwardPassFindsLikeliest()
    {
        foreach (PathId path in served.Run.Grid.Topology.Paths)
        {
            int[] tokens = [.. Prompt("The old mill")];
            int[] expected = await GreedyAsync(path, tokens, 10);
            JsonNode answer = await served.PostAsync("/v1/completions", new
            {
                model = $"{served.Model}:path-{path.Value}", prompt = "The old mill", max_tokens = 10, temperature = 0,
            });
            string text = answer["choices"]![0]!["text"]!.GetValue<string>();
            Assert.Equal((await served.Run.Grid.LoadTokenizerAsync(CancellationToken.None)).Decode(expected), text);
            Assert.Equal(path.Value, answer["dipaco"]!["path"]!.GetValue<int>());
        }
    }

    [Fact]
    public async Task LogProbabilitiesOfThePromptAreThoseOfTrainingsForwardPass()
    {
        PathId path = served.Run.Grid.Topology.Paths[1];
        int[] tokens = [.. Prompt("A river ran beside the mill, and nobody")];
        float[][] logits = await PathLogits.OfEveryPositionAsync(served.Run.Grid, path, tokens);
        JsonNode answer = await served.PostAsync("/v1/completions", new
        {
            model = $"{served.Model}:path-{path.Value}", prompt = tokens, max_tokens = 0, echo = true, logprobs = 3,
        });
        JsonNode scores = answer["choices"]![0]!["logprobs"]!;
        Assert.Equal(tokens.Length, scores["tokens"]!.AsArray().Count);
        Assert.Null(scores["token_logprobs"]![0]);
        for (int at = 1; at < tokens.Length; at++)
        {
            double[] row = [.. logits[at - 1].Select(logit => (double)logit)];
            double logSum = row.Max() + Math.Log(row.Sum(logit => Math.Exp(logit - row.Max())));
            Assert.Equal(row[tokens[at]] - logSum, scores["token_logprobs"]![at]!.GetValue<double>(), 1e-4);
            Assert.Equal(row.Max() - logSum, scores["top_logprobs"]![at]!.AsObject().Max(pair => pair.Value!.GetValue<double>()), 1e-4);
        }

        Assert.Equal(tokens.Length, answer["usage"]!["prompt_tokens"]!.GetValue<int>());
    }

    [Fact]
    public async Task AStreamSaysTheSameAsAWholeAnswer()
    {
        object Body(bool stream) => new
        {
            model = served.Model, prompt = "The old mill", max_tokens = 24, seed = 5, n = 3, logprobs = 2, echo = true, stream, stream_options = new { include_usage = true },
        };
        JsonNode whole = await served.PostAsync("/v1/completions", Body(false));
        List<JsonNode> events = await served.StreamAsync("/v1/completions", Body(true));
        for (int choice = 0; choice < 3; choice++)
        {
            JsonNode[] own = [.. events.SelectMany(one => one["choices"]!.AsArray()).Where(piece => piece!["index"]!.GetValue<int>() == choice).Select(piece => piece!)];
            Assert.Equal(whole["choices"]![choice]!["text"]!.GetValue<string>(), string.Concat(own.Select(piece => piece["text"]!.GetValue<string>())));
            Assert.Equal(
                whole["choices"]![choice]!["logprobs"]!["tokens"]!.AsArray().Select(token => token!.GetValue<string>()),
                own.SelectMany(piece => piece["logprobs"]!["tokens"]!.AsArray()).Select(token => token!.GetValue<string>()));
            Assert.Equal(whole["choices"]![choice]!["finish_reason"]!.GetValue<string>(), own[^1]["finish_reason"]!.GetValue<string>());
            Assert.All(own[..^1], piece => Assert.Null(piece["finish_reason"]));
        }

        Assert.Equal(whole["usage"]!.ToJsonString(), events[^1]["usage"]!.ToJsonString());
        Assert.Equal(whole["dipaco"]!.ToJsonString(), events[^1]["dipaco"]!.ToJsonString());
    }

    [Fact]
    public async Task ASeedFixesTheTextWhateverElseIsComputed()
    {
        async Task<string> TextAsync(int seed, string prompt) => (await served.PostAsync("/v1/completions", new
        {
            prompt, max_tokens = 20, seed, temperature = 1.3, top_p = 0.95,
        }))["choices"]![0]!["text"]!.GetValue<string>();
        string[] alone = [await TextAsync(1, "a"), await TextAsync(2, "the old"), await TextAsync(3, "no")];
        string[] together = await Task.WhenAll(TextAsync(1, "a"), TextAsync(2, "the old"), TextAsync(3, "no"), TextAsync(4, "a"), TextAsync(5, "mill"));
        Assert.Equal(alone, together[..3]);
        Assert.NotEqual(together[0], together[3]);
    }

    public static TheoryData<string, double> Fields => new()
    {
        { "temperature", 0.4 }, { "top_p", 0.3 }, { "top_k", 3 }, { "min_p", 0.5 }, { "repetition_penalty", 1.9 }, { "frequency_penalty", 2 }, { "presence_penalty", -2 },
    };

    [Theory]
    [MemberData(nameof(Fields))]
    public async Task AFieldDoesWhatTheSamplersOptionDoes(string field, double value)
    {
        SamplingOptions plain = new() { Temperature = 1.5, Seed = 11 };
        SamplingOptions changed = field switch
        {
            "temperature" => plain with { Temperature = value },
            "top_p" => plain with { TopP = value },
            "top_k" => plain with { TopK = (int)value },
            "min_p" => plain with { MinP = value },
            "repetition_penalty" => plain with { RepetitionPenalty = value },
            "frequency_penalty" => plain with { FrequencyPenalty = value },
            _ => plain with { PresencePenalty = value },
        };
        JsonObject body = new()
        {
            ["model"] = $"{served.Model}:path-0", ["prompt"] = "The old mill", ["max_tokens"] = 30, ["seed"] = 11, ["temperature"] = 1.5,
        };
        body[field] = value;
        string text = (await served.PostAsync("/v1/completions", body))["choices"]![0]!["text"]!.GetValue<string>();
        Assert.Equal(await GeneratedAsync(changed), text);
        Assert.NotEqual(await GeneratedAsync(plain), text);
    }

    [Fact]
    public async Task AStopStringEndsTheTextBeforeIt()
    {
        object Body(string[] stop) => new { prompt = "The old mill", max_tokens = 30, temperature = 0, stop };
        string all = (await served.PostAsync("/v1/completions", Body([])))["choices"]![0]!["text"]!.GetValue<string>();
        string stop = all[8..11];
        JsonNode answer = await served.PostAsync("/v1/completions", Body(["never written", stop]));
        Assert.Equal(all[..all.IndexOf(stop, StringComparison.Ordinal)], answer["choices"]![0]!["text"]!.GetValue<string>());
        Assert.Equal("stop", answer["choices"]![0]!["finish_reason"]!.GetValue<string>());
    }

    [Fact]
    public async Task TheRouteIsTheRoutersAndTheCompletionTakesIt()
    {
        JsonNode route = (await served.PostAsync("/v1/route", new { input = Inputs }))["data"]!;
        JsonNode answer = await served.PostAsync("/v1/completions", new { prompt = "The old mill stood by the river", max_tokens = 1 });
        Assert.Equal(route[0]!["path"]!.GetValue<int>(), answer["dipaco"]!["path"]!.GetValue<int>());
        double[] scores = [.. route[0]!["scores"]!.AsArray().Select(score => score!.GetValue<double>())];
        Assert.Equal(served.Run.Grid.Topology.Paths.Length, scores.Length);
        Assert.Equal(scores.Max(), scores[route[0]!["path"]!.GetValue<int>()]);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(20)]
    public async Task WithoutMaxTokensAsManyAreWrittenAsThereIsRoomForButAtMostSixteen(int room)
    {
        int[] prompt = [.. Enumerable.Range(1, served.Run.Grid.Description.SequenceLength - room)];
        JsonNode answer = await served.PostAsync("/v1/completions", new { prompt, logit_bias = new Dictionary<string, int> { ["0"] = -100 } });
        Assert.Equal(Math.Min(room, 16), answer["usage"]!["completion_tokens"]!.GetValue<int>());
        (HttpStatusCode status, JsonNode? error) = await served.PostRawAsync(
            "/v1/completions", JsonSerializer.SerializeToUtf8Bytes(new { prompt = prompt.Concat(Enumerable.Repeat(1, room)) }));
        Assert.Equal((HttpStatusCode.BadRequest, "context_length_exceeded"), (status, error!["code"]!.GetValue<string>()));
    }

    [Fact]
    public async Task AnExportedModelAnswersAsItsRunAfterTheRunIsGone()
    {
        string copy = served.Run.Copy();
        ExportedModel model = await ExportedModel.OfAsync(ServedGrid.Open(copy), served.Run.NewPath());
        Directory.Delete(copy, recursive: true);
        await using ServedRun own = await ServedRun.OfFolderAsync(model.Folder);
        foreach (string prompt in Inputs)
        {
            object body = new { prompt, max_tokens = 20, seed = 4, logprobs = 2 };
            JsonNode expected = await served.PostAsync("/v1/completions", body);
            JsonNode answer = await own.PostAsync("/v1/completions", body);
            Assert.Equal(expected["choices"]!.ToJsonString(), answer["choices"]!.ToJsonString());
            Assert.Equal(expected["dipaco"]!.ToJsonString(), answer["dipaco"]!.ToJsonString());
        }
    }

    private async Task<string> GeneratedAsync(SamplingOptions sampling)
    {
        GenerateOptions options = new() { Path = new PathId(0), MaxTokens = 30, Sampling = sampling, Weights = WeightType.Fp32, Threads = 1 };
        List<string> pieces = [];
        await foreach (GeneratedPiece piece in TextGenerator.WriteAsync(served.Run.Folder, "The old mill", options, CancellationToken.None))
        {
            pieces.Add(piece is GeneratedPiece.Text text ? text.Value : "");
        }

        return string.Concat(pieces);
    }

    private IEnumerable<int> Prompt(string text)
    {
        TextTokenizer tokenizer = served.Run.Grid.LoadTokenizerAsync(CancellationToken.None).GetAwaiter().GetResult();
        return [tokenizer.EndOfText, .. tokenizer.Encode(text)];
    }

    private async Task<int[]> GreedyAsync(PathId path, int[] prompt, int count)
    {
        int endOfText = (await served.Run.Grid.LoadTokenizerAsync(CancellationToken.None)).EndOfText;
        List<int> tokens = [.. prompt];
        for (int i = 0; i < count; i++)
        {
            float[] logits = (await PathLogits.OfEveryPositionAsync(served.Run.Grid, path, [.. tokens]))[^1];
            int next = Array.IndexOf(logits, logits.Max());
            if (next == endOfText)
            {
                break;
            }

            tokens.Add(next);
        }

        return [.. tokens.Skip(prompt.Length)];
    }
}
