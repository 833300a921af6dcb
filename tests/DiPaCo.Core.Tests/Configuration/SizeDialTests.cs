using System.Text.Json;
using System.Text.RegularExpressions;
using DiPaCo.Core.Configuration;
using Xunit;

namespace DiPaCo.Core.Tests.Configuration;

public sealed partial class SizeDialTests
{
    public static TheoryData<ModelSize> Sizes => [.. Enum.GetValues<ModelSize>()];

    [Theory]
    [MemberData(nameof(Sizes))]
    public void ATemplate_LoadsToItsSizesDefaults(ModelSize size)
    {
        string word = JsonNamingPolicy.SnakeCaseLower.ConvertName(size.ToString());
        string bare = $"name: start\nsize: {word}\ndata: {{ paths: [one, 'two words', \"q\\\"\"] }}\n";

        string template = ConfigTemplate.Write(size, ["one", "two words", "q\""], "start");

        Assert.Equal(JsonOf(bare), JsonOf(template));
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void ATemplateWithEveryKeyUncommented_LoadsToTheSameDefaults(ModelSize size)
    {
        string template = ConfigTemplate.Write(size, ["demo"], "start");

        string uncommented = CommentedKey.Replace(template, "${indent}${key}");

        Assert.DoesNotContain("\n  # ", uncommented, StringComparison.Ordinal);
        Assert.NotEqual(template, uncommented);
        Assert.Equal(JsonOf(template), JsonOf(uncommented));
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void TheResolvedConfiguration_LoadsAgain_AndStatesEverything(ModelSize size)
    {
        LoadedConfig loaded = Load(ConfigTemplate.Write(size, ["demo"], "start"));

        LoadedConfig again = Load(ResolvedYaml.Write(loaded));

        Assert.Equal(RunConfigJson.Serialize(loaded.Config), RunConfigJson.Serialize(again.Config));
        Assert.All(again.Values, value => Assert.Equal(ConfigOrigin.Stated, value.Origin));
    }

    [Fact]
    public void TheResolvedConfiguration_MarksWhatTheDialFilledIn()
    {
        string yaml = ResolvedYaml.Write(Load("name: start\nsize: tiny\ndata: { paths: demo }\nrecipe: { phases: 3 }\n"));

        Assert.Contains("\n  phases: 3\n", yaml, StringComparison.Ordinal);
        Assert.Matches(@"\n  inner_steps: 25 +# from size: tiny\n", yaml);
    }

    [Fact]
    public void EveryValueOfAConfiguration_HasAKeyInTheFile()
    {
        LoadedConfig loaded = Load(ConfigTemplate.Write(ModelSize.Tiny, ["demo"], "start"));
        // The keys that the JSON leaves out where they say nothing: runs that were begun before there were any go on.
        RunConfig whole = loaded.Config with
        {
            Tokenizer = loaded.Config.Tokenizer with { ChatTemplate = "chat.jinja" },
            Outer = loaded.Config.Outer with { Download = DownloadCodec.Int8 },
            Evaluation = loaded.Config.Evaluation with { MaxTokenRouterDocuments = 9, SequenceLength = 512 },
            Routing = loaded.Config.Routing with { Scaling = FeatureScaling.None },
        };
        Assert.DoesNotContain("chat_template", RunConfigJson.Serialize(loaded.Config), StringComparison.Ordinal);
        Assert.DoesNotContain("max_token_router_documents", RunConfigJson.Serialize(loaded.Config), StringComparison.Ordinal);
        Assert.DoesNotContain("download", RunConfigJson.Serialize(loaded.Config), StringComparison.Ordinal);
        Assert.DoesNotContain("scaling", RunConfigJson.Serialize(loaded.Config).Replace("rescaling", "", StringComparison.Ordinal), StringComparison.Ordinal);
        using JsonDocument json = JsonDocument.Parse(RunConfigJson.Serialize(whole));

        IEnumerable<string> inJson = json.RootElement.EnumerateObject().SelectMany(section => section.Value.ValueKind == JsonValueKind.Object
            ? section.Value.EnumerateObject().Select(key => $"{section.Name}.{key.Name}")
            : [section.Name]);

        Assert.Equal(inJson.Order(StringComparer.Ordinal), loaded.Values.Select(value => value.Key).Order(StringComparer.Ordinal));
        Assert.All(loaded.Values, value => Assert.EndsWith(".", value.Summary, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void TheCanonicalJson_ReadsBack(ModelSize size)
    {
        string json = JsonOf(ConfigTemplate.Write(size, ["demo"], "start"));

        Assert.Equal(json, RunConfigJson.Serialize(RunConfigJson.Deserialize(json)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("{ \"name\": 3 }")]
    public void DamagedJson_IsTheUsersError(string json) => Assert.Throws<DiPaCoException>(() => RunConfigJson.Deserialize(json));

    [Fact]
    public void EveryWayToWriteATopology_IsPossibleWhenItIsReadBack()
    {
        string json = JsonOf(
            """
            name: "ünïcode-free"
            data: { paths: ["a \U0001F600 'quoted' \\ path/*.txt", "b: # c"] }
            """.Replace("ünïcode-free", "plain", StringComparison.Ordinal)
            + "\n" + """
            tokenizer: { file: "dir/tokenizer: 1.json", chat_template: "own: 1.jinja" }
            topology:
              embedding: level
              head: shared
              replicas: 2
              paths: [[0, 0, 0], [1, 0, 0]]
              levels: [{ blocks: 2, experts: 2, private_blocks: [1] }, { blocks: 1, shared: true }, { blocks: 1, private: true }]
            inner: { epsilon: 1e-12, weight_decay: 0 }
            """);

        Assert.Equal(json, RunConfigJson.Serialize(RunConfigJson.Deserialize(json)));
    }

    [Theory]
    [InlineData("\"width\": 128", "\"width\": 2000000000", "transformer.width: found '2000000000', expected a multiple of 32 from 32 to 65,536.")]
    [InlineData("\"batch_sequences\": 16", "\"batch_sequences\": -1", "recipe.batch_sequences: found '-1', expected")]
    [InlineData("\"sequence_length\": 128", "\"sequence_length\": 1048576", null)]
    [InlineData("\"sequence_length\": 128", "\"sequence_length\": 16", "routing.prefix_tokens: a prefix of 32 tokens leaves nothing")]
    [InlineData("\"experts\": 2", "\"experts\": 60000", "topology.levels: the product of all experts is 120,000 paths")]
    [InlineData("\"sharing\": \"level\"", "\"sharing\": \"shared\"", "topology.levels[0].experts: a shared level has no experts to choose from")]
    [InlineData("\"test_share\": 0.05", "\"test_share\": 0", "data.test_share: found '0', expected a number above 0 to 0.5.")]
    public void AStoredValueThatNoFileCouldState_IsRefused(string sound, string stored, string? problem)
    {
        string json = JsonOf(ConfigTemplate.Write(ModelSize.Tiny, ["demo"], "start"));
        int at = json.IndexOf(sound, StringComparison.Ordinal);
        string changed = string.Concat(json.AsSpan(0, at), stored, json.AsSpan(at + sound.Length));
        if (problem is null)
        {
            RunConfigJson.Deserialize(changed);
            return;
        }

        DiPaCoException refusal = Assert.Throws<DiPaCoException>(() => RunConfigJson.Deserialize(changed));

        Assert.Contains("The stored configuration is not possible: ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(problem, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnImpossibleName_IsRefusedByTheTemplate() =>
        Assert.Throws<ConfigurationException>(() => ConfigTemplate.Write(ModelSize.Tiny, ["demo"], "../x"));

    private static LoadedConfig Load(string text) => RunConfigLoader.Parse(text, "run.yaml");

    private static string JsonOf(string text) => RunConfigJson.Serialize(Load(text).Config);

    [GeneratedRegex(@"^(?<indent> *)# (?<key>([a-z0-9_]+:| +- \{).*)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex CommentedKey { get; }
}
