using System.Text.Json.Nodes;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.RunHost;
using DiPaCo.Runtime;
using DiPaCo.Serving.Grids;
using DiPaCo.Serving.Tests.Chat.Templates;
using DiPaCo.Serving.Tests.Support;
using Xunit;

namespace DiPaCo.Serving.Tests.Http;

/// <summary>A small run whose tokenizer has the tokens of ChatML and a chat template, behind its API.</summary>
public sealed class ChatRun(TrainedRun first) : IAsyncLifetime
{
    /// <summary>Where a turn begins and ends.</summary>
    public const string Start = "<|im_start|>";

    public const string End = "<|im_end|>";

    private readonly string _root = SmallRun.CreateFolder();

    public string Folder => Path.Combine(_root, "run");

    public ServedGrid Grid { get; private set; } = null!;

    public TextTokenizer Tokenizer { get; private set; } = null!;

    public ServedRun Served { get; private set; } = null!;

    /// <summary>A name for a file or folder of a test, which goes with the run.</summary>
    public string NewPath() => Path.Combine(_root, Path.GetRandomFileName());

    /// <summary>The number of a special token.</summary>
    public int IdOf(string special) => Tokenizer.SpecialTokens.Single(token => token.Content == special).Id;

    public async ValueTask InitializeAsync()
    {
        LoadedConfig config = await PrepareAsync(first, Path.Combine(_root, "input"));
        File.WriteAllText(Path.Combine(_root, "input", "tokenizer_config.json"), new JsonObject
        {
            ["bos_token"] = null,
            ["eos_token"] = new JsonObject { ["content"] = End, ["special"] = true },
            ["chat_template"] = new JsonArray(
                new JsonObject { ["name"] = "tool_use", ["template"] = "{{ raise_exception('not this one') }}" },
                new JsonObject { ["name"] = "default", ["template"] = Families.ChatMl }),
        }.ToJsonString());
        await new RunEngine(TimeProvider.System) { MeasuresMachine = false }.TrainAsync(config, Folder, new SilentObserver(), CancellationToken.None);
        Grid = ServedGrid.Open(Folder);
        Tokenizer = await Grid.LoadTokenizerAsync(CancellationToken.None);
        Served = await ServedRun.OfFolderAsync(Folder);
    }

    /// <summary>The configuration of a small run with room for a conversation, whose tokenizer is the other run's with the tokens of ChatML.</summary>
    public static async Task<LoadedConfig> PrepareAsync(TrainedRun first, string folder)
    {
        LoadedConfig config = SmallRun.Prepare(folder);
        JsonNode tokenizer = JsonNode.Parse(await first.Grid.ReadTokenizerFileAsync(CancellationToken.None))!;
        int size = (await first.Grid.LoadTokenizerAsync(CancellationToken.None)).VocabularySize;
        foreach (string special in new[] { Start, End })
        {
            tokenizer["added_tokens"]!.AsArray().Add(new JsonObject { ["id"] = size++, ["content"] = special, ["special"] = true });
        }

        string file = Path.Combine(folder, "tokenizer.json");
        File.WriteAllText(file, tokenizer.ToJsonString());
        return config with
        {
            Config = config.Config with
            {
                Tokenizer = config.Config.Tokenizer with { File = file },
                Transformer = config.Config.Transformer with { SequenceLength = 200 },
            },
        };
    }

    public async ValueTask DisposeAsync()
    {
        await Served.DisposeAsync();
        Directory.Delete(_root, recursive: true);
    }
}
