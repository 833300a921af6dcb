using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using DiPaCo.Core;
using DiPaCo.Model.Checkpoints;
using DiPaCo.Model.SafeTensors;
using Xunit;

namespace DiPaCo.Model.Tests.Checkpoints;

public sealed class LlamaCheckpointTests : IDisposable
{
    private static readonly TransformerShape Shape = new()
    {
        Vocabulary = 40, Blocks = 2, Width = 32, Heads = 4, KeyValueHeads = 2, HeadWidth = 8, FeedForward = 64, TiedEmbedding = false,
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("dipaco-checkpoint-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(TensorDType.F32, 1)]
    [InlineData(TensorDType.F16, 1)]
    [InlineData(TensorDType.BF16, 3)]
    public void EveryTensorComesToItsPlaceWhateverTypeAndNumberOfFiles(TensorDType type, int files)
    {
        Write(type, files, vocabulary: Shape.Vocabulary);
        using LlamaCheckpoint checkpoint = LlamaCheckpoint.Open(_folder);
        Assert.Equal(Shape, checkpoint.Shape);
        Assert.Equal(files, checkpoint.Files.Length);
        Check(Read(checkpoint));
    }

    [Fact]
    public void PaddingBehindTheTokenizersEntriesIsLeftOut()
    {
        Write(TensorDType.F32, 1, vocabulary: 64);
        using LlamaCheckpoint checkpoint = LlamaCheckpoint.Open(_folder);
        Assert.Equal(64, checkpoint.Shape.Vocabulary);
        Check(Read(checkpoint));
    }

    [Fact]
    public void ATensorThatIsMissingIsNamed()
    {
        Write(TensorDType.F32, 1, Shape.Vocabulary, leaveOut: "model.layers.1.mlp.up_proj.weight");
        using LlamaCheckpoint checkpoint = LlamaCheckpoint.Open(_folder);
        DiPaCoException failure = Assert.Throws<DiPaCoException>(() => Read(checkpoint));
        Assert.Contains("model.layers.1.mlp.up_proj.weight", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ANumberThatIsNotFiniteIsRefused()
    {
        Write(TensorDType.F32, 1, Shape.Vocabulary, first: float.NaN);
        using LlamaCheckpoint checkpoint = LlamaCheckpoint.Open(_folder);
        Assert.Contains("NaN", Assert.Throws<DiPaCoException>(() => Read(checkpoint)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../model.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("")]
    public void AnIndexThatLeadsOutOfTheFolderIsRefused(string name)
    {
        Write(TensorDType.F32, 1, Shape.Vocabulary);
        File.WriteAllText(
            Path.Combine(_folder, "model.safetensors.index.json"),
            new JsonObject { ["weight_map"] = new JsonObject { ["lm_head.weight"] = name } }.ToJsonString());
        Assert.Contains("without a folder", Assert.Throws<DiPaCoException>(() => LlamaCheckpoint.Open(_folder)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "rope_theta": 10000.0, "rope_type": "llama3", "factor": 8.0 }""", "rope_type llama3")]
    [InlineData("""{ "rope_theta": 10000.0, "type": "linear", "factor": 2.0 }""", "type linear")]
    [InlineData("""{ "full_attention": { "rope_theta": 10000.0, "rope_type": "default" } }""", "full_attention")]
    [InlineData("""{ "rope_theta": 10000.0, "rope_type": "default" }""", null)]
    [InlineData("""{ "rope_theta": 10000.0, "rope_type": null }""", null)]
    public void ScaledPositionsAreRefusedWhereNewerConfigurationsSayThem(string parameters, string? problem)
    {
        Write(TensorDType.F32, 1, Shape.Vocabulary);
        string file = Path.Combine(_folder, "config.json");
        JsonObject config = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
        config.Remove("rope_theta");
        config["rope_parameters"] = JsonNode.Parse(parameters);
        File.WriteAllText(file, config.ToJsonString());
        if (problem is not null)
        {
            Assert.Contains(problem, Assert.Throws<DiPaCoException>(() => LlamaCheckpoint.Open(_folder)).Message, StringComparison.Ordinal);
            return;
        }

        using LlamaCheckpoint checkpoint = LlamaCheckpoint.Open(_folder);
        Assert.Equal(10_000, checkpoint.Shape.RopeBase);
    }

    [Theory]
    [InlineData("""{"rope_type":"default"}""", false)]
    [InlineData("""{"type":"default"}""", false)]
    [InlineData("""{"rope_type":"llama3","factor":8.0}""", true)]
    [InlineData("""{"type":"linear","factor":2.0}""", true)]
    [InlineData("""{"type":3}""", true)]
    [InlineData("""{"factor":2.0}""", true)]
    public void ScaledPositions_AreRefused_AndThoseThatAreWrittenDownAsNotScaledAreTaken(string scaling, bool refused)
    {
        Write(TensorDType.F32, 1, Shape.Vocabulary);
        string file = Path.Combine(_folder, "config.json");
        JsonObject config = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
        config["rope_scaling"] = JsonNode.Parse(scaling);
        File.WriteAllText(file, config.ToJsonString());
        if (refused)
        {
            Assert.Contains("rope_scaling", Assert.Throws<DiPaCoException>(() => LlamaCheckpoint.Open(_folder)).Message, StringComparison.Ordinal);
            return;
        }

        LlamaCheckpoint.Open(_folder).Dispose();
    }

    [Theory]
    [InlineData(16, 32, true)]
    [InlineData(32, 32, false)]
    [InlineData(null, 32, false)]
    [InlineData(16, null, true)]
    public void AWindowThatLeavesOutAPartOfTheTextIsRefused(int? window, int? positions, bool refused)
    {
        Write(TensorDType.F32, 1, Shape.Vocabulary);
        string file = Path.Combine(_folder, "config.json");
        JsonObject config = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
        config["model_type"] = "mistral";
        config["sliding_window"] = window;
        config["max_position_embeddings"] = positions;
        File.WriteAllText(file, config.ToJsonString());
        if (refused)
        {
            Assert.Contains("sliding_window 16", Assert.Throws<DiPaCoException>(() => LlamaCheckpoint.Open(_folder)).Message, StringComparison.Ordinal);
            return;
        }

        LlamaCheckpoint.Open(_folder).Dispose();
    }

    [Fact]
    public void AFolderWithoutConfigurationIsRefusedByName() =>
        Assert.Contains("config.json", Assert.Throws<DiPaCoException>(() => LlamaCheckpoint.Open(_folder)).Message, StringComparison.Ordinal);

    /// <summary>Each element tells its tensor and place, and is exact in 16 bits.</summary>
    private static float ValueOf(int tensor, long row, long column) => ((tensor % 8) * 16) + (((row * 7) + column) % 16);

    private static float[] Read(LlamaCheckpoint checkpoint)
    {
        ModuleLayout layout = ModuleLayout.Of(Shape, TransformerPart.All(Shape.Blocks));
        float[] flat = new float[layout.Length];
        checkpoint.ReadInto(Shape, layout, flat);
        return flat;
    }

    private static void Check(float[] flat)
    {
        ModuleLayout layout = ModuleLayout.Of(Shape, TransformerPart.All(Shape.Blocks));
        NamedTensor qkv = layout.Tensors.Single(tensor => tensor.Name == TensorNames.Qkv(1));
        NamedTensor up = layout.Tensors.Single(tensor => tensor.Name == TensorNames.Up(0));
        NamedTensor head = layout.Tensors.Single(tensor => tensor.Name == TensorNames.Head);
        (string Name, int Rows)[] names = [.. Names().Select(tensor => (tensor.Name, tensor.Rows))];
        Assert.Equal(ValueOf(IndexOf("model.layers.1.self_attn.q_proj.weight"), 3, 5), flat[qkv.Offset + (3 * 32) + 5]);
        Assert.Equal(ValueOf(IndexOf("model.layers.1.self_attn.k_proj.weight"), 2, 5), flat[qkv.Offset + ((32 + 2) * 32) + 5]);
        Assert.Equal(ValueOf(IndexOf("model.layers.1.self_attn.v_proj.weight"), 15, 31), flat[qkv.Offset + ((48 + 15) * 32) + 31]);
        Assert.Equal(ValueOf(IndexOf("model.layers.0.mlp.gate_proj.weight"), 9, 1), flat[up.Offset + (9 * 32) + 1]);
        Assert.Equal(ValueOf(IndexOf("model.layers.0.mlp.up_proj.weight"), 9, 1), flat[up.Offset + ((64 + 9) * 32) + 1]);
        Assert.Equal(ValueOf(IndexOf("lm_head.weight"), 39, 30), flat[head.Offset + (39 * 32) + 30]);

        int IndexOf(string name) => Array.FindIndex(names, tensor => tensor.Name == name);
    }

    private static IEnumerable<(string Name, int Rows, int Columns)> Names()
    {
        yield return ("model.embed_tokens.weight", 40, 32);
        for (int layer = 0; layer < 2; layer++)
        {
            string name = $"model.layers.{layer}.";
            yield return (name + "input_layernorm.weight", 32, 0);
            yield return (name + "self_attn.q_proj.weight", 32, 32);
            yield return (name + "self_attn.k_proj.weight", 16, 32);
            yield return (name + "self_attn.v_proj.weight", 16, 32);
            yield return (name + "self_attn.o_proj.weight", 32, 32);
            yield return (name + "post_attention_layernorm.weight", 32, 0);
            yield return (name + "mlp.gate_proj.weight", 64, 32);
            yield return (name + "mlp.up_proj.weight", 64, 32);
            yield return (name + "mlp.down_proj.weight", 32, 64);
        }

        yield return ("model.norm.weight", 32, 0);
        yield return ("lm_head.weight", 40, 32);
    }

    private void Write(TensorDType type, int files, int vocabulary, string? leaveOut = null, float? first = null)
    {
        File.WriteAllText(Path.Combine(_folder, "config.json"), new JsonObject
        {
            ["model_type"] = "llama", ["hidden_act"] = "silu", ["vocab_size"] = vocabulary, ["hidden_size"] = 32, ["num_hidden_layers"] = 2,
            ["num_attention_heads"] = 4, ["num_key_value_heads"] = 2, ["head_dim"] = 8, ["intermediate_size"] = 64, ["rms_norm_eps"] = 1e-5,
            ["rope_theta"] = 10_000.0, ["tie_word_embeddings"] = false,
        }.ToJsonString());
        (string Name, int Rows, int Columns, int Number)[] tensors =
        [
            .. Names().Select((tensor, number) => (tensor.Name, tensor.Rows == 40 ? vocabulary : tensor.Rows, tensor.Columns, number))
                .Where(tensor => tensor.Name != leaveOut),
        ];
        JsonObject map = [];
        for (int file = 0; file < files; file++)
        {
            string name = files == 1 ? "model.safetensors" : $"model-{file + 1:00000}-of-{files:00000}.safetensors";
            var here = tensors.Where((_, at) => at % files == file).ToArray();
            using FileStream stream = File.Create(Path.Combine(_folder, name));
            SafeTensorsWriter writer = new(stream, [.. here.Select(tensor =>
                tensor.Columns == 0 ? new TensorSpec(tensor.Name, type, tensor.Rows) : new TensorSpec(tensor.Name, type, tensor.Rows, tensor.Columns))]);
            foreach ((string tensor, int rows, int columns, int number) in here)
            {
                map[tensor] = name;
                float[] values = [.. Enumerable.Range(0, rows * Math.Max(1, columns)).Select(at => ValueOf(number, at / Math.Max(1, columns), at % Math.Max(1, columns)))];
                values[0] = first ?? values[0];
                writer.Append(type switch
                {
                    TensorDType.F32 => MemoryMarshal.AsBytes<float>(values),
                    TensorDType.F16 => MemoryMarshal.AsBytes<Half>([.. values.Select(value => (Half)value)]),
                    _ => MemoryMarshal.AsBytes<ushort>([.. values.Select(value => (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16))]),
                });
            }

            writer.Complete();
        }

        if (files > 1)
        {
            File.WriteAllText(Path.Combine(_folder, "model.safetensors.index.json"), new JsonObject { ["weight_map"] = map }.ToJsonString());
        }
    }
}
