using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using DiPaCo.Core;
using Xunit;

namespace DiPaCo.Serving.Tests.Http;

/// <summary>What answers say of the router, against the base model and the router as training has them.</summary>
[Collection(nameof(ReroutedRunTests))]
public sealed class RouterAnswerTests(ReroutedRun run)
{
    [Fact]
    public async Task EmbeddingsAreTheBaseModelsFeaturesWithThePathsThatTheyLeadTo()
    {
        string[] inputs = [.. run.Texts.Take(3)];
        JsonNode numbers = await run.Served.PostAsync("/v1/embeddings", new { input = inputs });
        JsonNode bytes = await run.Served.PostAsync("/v1/embeddings", new { input = inputs, encoding_format = "base64" });
        JsonNode one = await run.Served.PostAsync("/v1/embeddings", new { input = inputs[1] });
        for (int at = 0; at < inputs.Length; at++)
        {
            float[] given = Numbers(numbers["data"]![at]!["embedding"]!);
            Near(run.FeaturesOf(PrefixOf(inputs[at])), given);
            Assert.Equal(given, MemoryMarshal.Cast<byte, float>(Convert.FromBase64String(bytes["data"]![at]!["embedding"]!.GetValue<string>())).ToArray());
            JsonNode choice = numbers["dipaco"]!["choices"]![at]!;
            Assert.Equal(at, choice["index"]!.GetValue<int>());
            Check(choice, inputs[at]);
        }

        Check(numbers["dipaco"]!, inputs[0]);
        Check(one["dipaco"]!, inputs[1]);
        Assert.Null(one["dipaco"]!["choices"]);
        Assert.Equal(run.Grid.Description.ModelDigest, one["dipaco"]!["model_digest"]!.GetValue<string>());
    }

    [Fact]
    public async Task ARouteSaysWhatTheRouterLookedAtAndHowSureItIs()
    {
        string[] inputs = [run.Texts[0], run.Texts[1], "a"];
        JsonArray routes = (await run.Served.PostAsync("/v1/route", new { input = inputs }))["data"]!.AsArray();
        for (int at = 0; at < inputs.Length; at++)
        {
            JsonNode route = routes[at]!;
            Check(route, inputs[at]);
            float[] scores = run.ScoresOf(PrefixOf(inputs[at]));
            int best = route["path"]!.GetValue<int>();
            int next = route["runner_up"]!.GetValue<int>();
            Assert.Equal(run.Grid.Topology.Paths.Select(path => path.Value), route["paths"]!.AsArray().Select(path => path!.GetValue<int>()));
            Assert.Equal(scores.OrderDescending().ElementAt(1), scores[next], 1e-4f);
            Assert.NotEqual(best, next);
            Assert.Equal(scores[best] - scores[next], route["margin"]!.GetValue<float>(), 1e-4f);
            Assert.Equal((await run.Grid.LoadRouterAsync(TestContext.Current.CancellationToken)).Kind, route["router"]!.GetValue<string>());
            Assert.Equal(PrefixOf(inputs[at]).Length, route["prefix_tokens"]!.GetValue<int>());
            Assert.Equal(run.Tokenizer.Decode(PrefixOf(inputs[at]).AsSpan(1)), route["prefix"]!.GetValue<string>());
        }
    }

    [Fact]
    public async Task EachRerouteHasTheScoresThatItWasChosenBy()
    {
        int prefix = run.Grid.Description.PrefixTokens;
        JsonNode[] reroutes = [];
        foreach (string text in run.Texts)
        {
            int[] prompt = run.TokensOf(text)[..^1];
            JsonNode answer = await run.Served.PostAsync("/v1/completions", new
            {
                prompt, max_tokens = 0, echo = true, logprobs = 0, dipaco = new { reroute = new { window = 5, router = "prefix" } },
            });
            reroutes = [.. answer["dipaco"]!["reroutes"]!.AsArray().Select(one => one!)];
            foreach (JsonNode reroute in reroutes)
            {
                int boundary = reroute["position"]!.GetValue<int>();
                Near(run.ScoresOf([prompt[0], .. prompt.AsSpan(boundary - prefix + 1, prefix - 1)]), Numbers(reroute["scores"]!));
            }

            if (reroutes.Length > 0)
            {
                return;
            }
        }

        Assert.Fail("No text goes to another path, so the test shows nothing.");
    }

    private void Check(JsonNode said, string text)
    {
        float[] scores = run.ScoresOf(PrefixOf(text));
        PathId path = run.ByPrefix(PrefixOf(text));
        Assert.Equal(path.Value, said["path"]!.GetValue<int>());
        Assert.Equal(run.Grid.Topology.Grid.ExpertsOf(path), said["experts"]!.AsArray().Select(expert => expert!.GetValue<int>()));
        Near(scores, Numbers(said["scores"]!));
    }

    private int[] PrefixOf(string text)
    {
        int[] tokens = run.TokensOf(text)[..^1];
        return tokens[..Math.Min(tokens.Length, run.Grid.Description.PrefixTokens)];
    }

    private static float[] Numbers(JsonNode list) => [.. list.AsArray().Select(number => number!.GetValue<float>())];

    private static void Near(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
    }
}
