using System.Text.Json.Nodes;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model.SafeTensors;
using DiPaCo.RunHost;
using DiPaCo.Runtime;
using DiPaCo.Serving.Export;
using DiPaCo.Serving.Grids;
using Xunit;

namespace DiPaCo.Serving.Tests.Import;

/// <summary>A run that starts from a checkpoint folder.</summary>
public sealed class ImportTests : IDisposable
{
    private readonly string _root = SmallRun.CreateFolder();
    private readonly CancellationToken _token = TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnExportedPathThatIsImportedAgainIsTheSameModel(bool sharded)
    {
        LoadedConfig config = OnePath(SmallRun.Prepare(Path.Combine(_root, "input")));
        RunResults first = await TrainAsync(config, "first");
        string checkpoint = await ExportAsync("first", ExportType.F32);
        if (sharded)
        {
            Shard(checkpoint);
        }

        RunResults second = await TrainAsync(From(config, checkpoint), "second");

        EvaluationRow exported = Assert.Single(first.Evaluation, row => row.Kind == ModelKind.Routed);
        EvaluationRow imported = Assert.Single(second.Evaluation, row => row.Kind == ModelKind.DenseBase);
        Assert.Equal(exported.ScoredTokens, imported.ScoredTokens);
        Assert.Equal(exported.Perplexity, imported.Perplexity, exported.Perplexity * 1e-6);
        Assert.NotEqual(exported.Perplexity, first.Evaluation.Single(row => row.Kind == ModelKind.DenseBase).Perplexity, exported.Perplexity * 1e-3);
    }

    [Fact]
    public async Task ARunThatHasItsFirstParametersNeedsTheCheckpointNoMore()
    {
        LoadedConfig config = OnePath(SmallRun.Prepare(Path.Combine(_root, "input")));
        await TrainAsync(config, "first");
        string checkpoint = await ExportAsync("first", ExportType.Bf16);
        LoadedConfig from = From(config, checkpoint);
        RunResults whole = await TrainAsync(from, "second");
        File.Delete(Path.Combine(_root, "second", "results.json"));
        string elsewhere = checkpoint + "-moved";
        Directory.Move(checkpoint, elsewhere);
        Assert.Equal(whole.ModelDigest, (await TrainAsync(from, "second")).ModelDigest);

        // One that is there, but another, is refused.
        Directory.Move(elsewhere, checkpoint);
        byte[] bytes = File.ReadAllBytes(Path.Combine(checkpoint, "model.safetensors"));
        bytes[^1] ^= 1;
        File.WriteAllBytes(Path.Combine(checkpoint, "model.safetensors"), bytes);
        File.Delete(Path.Combine(_root, "second", "results.json"));
        DiPaCoException changed = await Assert.ThrowsAsync<DiPaCoException>(() => TrainAsync(from, "second"));
        Assert.Contains("has changed since the run began", changed.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hidden_size", 64, "width: 64")]
    [InlineData("num_hidden_layers", 2, "2 blocks")]
    [InlineData("rope_theta", 500000.0, "rope_base: 500000")]
    [InlineData("rms_norm_eps", 1e-6, "norm_epsilon: 1E-06")]
    [InlineData("vocab_size", 100, "fewer than the")]
    [InlineData("model_type", "gpt2", "type 'gpt2'")]
    [InlineData("attention_bias", true, "no biases")]
    [InlineData("num_attention_heads", -3, "num_attention_heads -3")]
    [InlineData("num_attention_heads", "two", "cannot be read")]
    public async Task ACheckpointOfAnotherTransformerIsRefusedWithWhatToWrite(string key, object value, string message)
    {
        LoadedConfig config = OnePath(SmallRun.Prepare(Path.Combine(_root, "input")));
        await TrainAsync(config, "first");
        string checkpoint = await ExportAsync("first", ExportType.F32);
        string file = Path.Combine(checkpoint, "config.json");
        JsonNode json = JsonNode.Parse(File.ReadAllText(file))!;
        json[key] = JsonValue.Create(value);
        File.WriteAllText(file, json.ToJsonString());
        DiPaCoException failure = await Assert.ThrowsAsync<DiPaCoException>(() => TrainAsync(From(config, checkpoint), "second"));
        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_root, "second")));
    }

    /// <summary>Two files with an index in the place of one.</summary>
    private static void Shard(string checkpoint)
    {
        string whole = Path.Combine(checkpoint, "model.safetensors");
        JsonObject map = [];
        using (SafeTensorsReader reader = SafeTensorsReader.Open(whole))
        {
            StoredTensor[] tensors = [.. reader.Tensors];
            StoredTensor[][] halves = [tensors[..(tensors.Length / 2)], tensors[(tensors.Length / 2)..]];
            for (int half = 0; half < halves.Length; half++)
            {
                string name = $"model-0000{half + 1}-of-00002.safetensors";
                using FileStream file = File.Create(Path.Combine(checkpoint, name));
                SafeTensorsWriter writer = new(file, [.. halves[half].Select(tensor => tensor.Spec)], [new("format", "pt")]);
                foreach (StoredTensor tensor in halves[half])
                {
                    byte[] bytes = new byte[tensor.Spec.ByteLength];
                    reader.ReadInto<byte>(tensor.Spec.Name, bytes);
                    writer.Append(bytes);
                    map[tensor.Spec.Name] = name;
                }

                writer.Complete();
            }
        }

        File.Delete(whole);
        File.WriteAllText(whole + ".index.json", new JsonObject { ["metadata"] = new JsonObject(), ["weight_map"] = map }.ToJsonString());
    }

    private static LoadedConfig OnePath(LoadedConfig loaded) => loaded with
    {
        Config = loaded.Config with
        {
            Topology = new TopologyOptions { Levels = [new LevelOptions { Blocks = 3 }], Embedding = Sharing.Level, Head = Sharing.Level },
        },
    };

    private static LoadedConfig From(LoadedConfig loaded, string checkpoint) => loaded with
    {
        Config = loaded.Config with
        {
            Tokenizer = loaded.Config.Tokenizer with { File = Path.Combine(checkpoint, "tokenizer.json") },
            Recipe = loaded.Config.Recipe with { BaseModel = checkpoint, BaseSteps = 0 },
            Inner = loaded.Config.Inner with { BaseWarmupSteps = 0 },
        },
    };

    private Task<RunResults> TrainAsync(LoadedConfig config, string name) =>
        new RunEngine(TimeProvider.System) { MeasuresMachine = false }.TrainAsync(config, Path.Combine(_root, name), new SilentObserver(), _token);

    private async Task<string> ExportAsync(string name, ExportType type)
    {
        string folder = Path.Combine(_root, name + "-hf");
        await ModelExport.ExportPathAsync(ServedGrid.Open(Path.Combine(_root, name)), new PathId(0), ExportFormat.HuggingFace, type, folder, _token);
        return folder;
    }
}
