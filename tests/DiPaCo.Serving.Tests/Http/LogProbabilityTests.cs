using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using DiPaCo.Data;
using DiPaCo.Serving.Inference;
using Xunit;

namespace DiPaCo.Serving.Tests.Http;

/// <summary>Log probabilities in answers: what tokens are called, where they begin, which are named.</summary>
[Collection(nameof(ServedRunTests))]
public sealed class LogProbabilityTests(ServedRun served)
{
    private const string Prompt = "café 😀 a mill…";

    [Fact]
    public async Task PartsOfCharactersAreNamedByTheirBytesAndBeginBehindTheWholeCharacters()
    {
        // What is written is drawn nearly at random, so parts of characters are among it.
        JsonNode answer = await served.PostAsync("/v1/completions", new { prompt = Prompt, max_tokens = 20, seed = 3, temperature = 100, echo = true, logprobs = 3 });
        string text = answer["choices"]![0]!["text"]!.GetValue<string>();
        JsonNode scores = answer["choices"]![0]!["logprobs"]!;
        string[] names = [.. scores["tokens"]!.AsArray().Select(name => name!.GetValue<string>())];
        int[] offsets = [.. scores["text_offset"]!.AsArray().Select(offset => offset!.GetValue<int>())];
        TextTokenizer tokenizer = await served.Run.Grid.LoadTokenizerAsync(TestContext.Current.CancellationToken);
        int prompt = tokenizer.Encode(Prompt).Length;
        byte[][] bytes = [.. names.Select(BytesOf)];

        Assert.Equal(Encoding.UTF8.GetBytes(Prompt), bytes[..prompt].SelectMany(one => one));
        Assert.Contains("bytes:\\xf0", names);
        Assert.Contains(names[prompt..], name => name.StartsWith("bytes:", StringComparison.Ordinal));
        for (int at = 0; at < prompt; at++)
        {
            // Decoding all bytes before a token and dropping what is cut says how many characters are whole there.
            byte[] before = [.. bytes[..at].SelectMany(one => one)];
            Assert.Equal(Encoding.UTF8.GetDecoder().GetCharCount(before, flush: false), offsets[at]);
        }

        Assert.Equal(Prompt.Length, offsets[prompt]);
        Assert.Equal(offsets.Order(), offsets);
        Assert.InRange(offsets[^1], Prompt.Length, text.Length);
    }

    [Fact]
    public async Task TheTokenItselfIsNamedAlsoWhereItIsNotAmongTheLikeliest()
    {
        JsonNode answer = await served.PostAsync("/v1/completions", new { prompt = "The old mill", max_tokens = 30, seed = 3, temperature = 100, logprobs = 2 });
        JsonNode scores = answer["choices"]![0]!["logprobs"]!;
        string[] names = [.. scores["tokens"]!.AsArray().Select(name => name!.GetValue<string>())];
        int beside = 0;
        for (int at = 0; at < names.Length; at++)
        {
            JsonObject top = scores["top_logprobs"]![at]!.AsObject();
            double own = scores["token_logprobs"]![at]!.GetValue<double>();
            Assert.Equal(own, top[names[at]]!.GetValue<double>());
            bool among = own >= top.Select(pair => pair.Value!.GetValue<double>()).OrderDescending().ElementAt(1);
            Assert.Equal(among ? 2 : 3, top.Count);
            beside += among ? 0 : 1;
        }

        Assert.True(beside > 0, "Every token was among the likeliest, so the test shows nothing.");
    }

    [Fact]
    public async Task ARequestForMoreLogProbabilitiesThanOneAnswerMayHaveIsRefused()
    {
        await using ServedRun own = await ServedRun.OfFolderAsync(
            served.Run.Folder, options => options with { Weights = WeightType.Fp32, Limits = options.Limits with { MaxLogProbabilities = 100 } });
        byte[] Body(int tokens, int count) => Encoding.UTF8.GetBytes($$"""{"prompt":[5,6,7,8],"max_tokens":{{tokens}},"n":{{count}},"logprobs":4,"echo":true,"seed":1}""");
        (HttpStatusCode status, JsonNode? error) = await own.PostRawAsync("/v1/completions", Body(17, 1));
        Assert.Equal((HttpStatusCode.BadRequest, "logprobs"), (status, error!["param"]!.GetValue<string>()));
        Assert.Contains("more than the 100", error["message"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, (await own.PostRawAsync("/v1/completions", Body(8, 2))).Status);
        Assert.Equal(HttpStatusCode.OK, (await own.PostRawAsync("/v1/completions", Body(16, 1))).Status);
    }

    private static byte[] BytesOf(string name) => !name.StartsWith("bytes:", StringComparison.Ordinal) ? Encoding.UTF8.GetBytes(name)
        : [.. name["bytes:".Length..].Split("\\x", StringSplitOptions.RemoveEmptyEntries).Select(one => byte.Parse(one, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];
}
