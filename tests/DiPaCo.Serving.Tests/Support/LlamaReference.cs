using System.Runtime.InteropServices;
using System.Text.Json;
using DiPaCo.Model.SafeTensors;

namespace DiPaCo.Serving.Tests.Support;

/// <summary>
/// A Llama model as its architecture defines it, in double precision, with the names of a checkpoint folder: slow, plain, and sharing
/// nothing with the product but the reader of safetensors.
/// </summary>
internal sealed class LlamaReference
{
    private readonly Dictionary<string, double[]> _tensors = [];
    private readonly JsonElement _config;

    public LlamaReference(string folder)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "config.json")));
        _config = document.RootElement.Clone();
        using SafeTensorsReader reader = SafeTensorsReader.Open(Path.Combine(folder, "model.safetensors"));
        foreach (StoredTensor tensor in reader.Tensors)
        {
            byte[] bytes = new byte[tensor.Spec.ByteLength];
            reader.ReadInto<byte>(tensor.Spec.Name, bytes);
            _tensors[tensor.Spec.Name] = tensor.Spec.DType switch
            {
                TensorDType.F32 => [.. MemoryMarshal.Cast<byte, float>(bytes).ToArray().Select(value => (double)value)],
                TensorDType.F16 => [.. MemoryMarshal.Cast<byte, Half>(bytes).ToArray().Select(value => (double)value)],
                TensorDType.BF16 => [.. MemoryMarshal.Cast<byte, ushort>(bytes).ToArray().Select(value => (double)BitConverter.UInt32BitsToSingle((uint)value << 16))],
                _ => throw new NotSupportedException(tensor.Spec.ToString()),
            };
        }
    }

    public IEnumerable<string> TensorNames => _tensors.Keys;

    private int Width => Number("hidden_size");

    /// <summary>Logits of the token behind the last one.</summary>
    public double[] NextTokenLogits(int[] tokens)
    {
        double[][] x = [.. tokens.Select(token => _tensors["model.embed_tokens.weight"][(token * Width)..((token + 1) * Width)])];
        for (int layer = 0; layer < Number("num_hidden_layers"); layer++)
        {
            string name = $"model.layers.{layer}.";
            double[][] attention = Attend([.. x.Select(row => Norm(row, name + "input_layernorm.weight"))], name + "self_attn.");
            x = [.. x.Zip(attention, Sum)];
            x = [.. x.Select(row => Sum(row, FeedForward(Norm(row, name + "post_attention_layernorm.weight"), name + "mlp.")))];
        }

        string head = _config.GetProperty("tie_word_embeddings").GetBoolean() ? "model.embed_tokens.weight" : "lm_head.weight";
        return Product(head, Norm(x[^1], "model.norm.weight"));
    }

    private double[][] Attend(double[][] x, string name)
    {
        (int heads, int keyHeads, int width) = (Number("num_attention_heads"), Number("num_key_value_heads"), Number("head_dim"));
        double[][] q = [.. x.Select((row, at) => Rotate(Product(name + "q_proj.weight", row), heads, width, at))];
        double[][] k = [.. x.Select((row, at) => Rotate(Product(name + "k_proj.weight", row), keyHeads, width, at))];
        double[][] v = [.. x.Select(row => Product(name + "v_proj.weight", row))];
        double[][] result = new double[x.Length][];
        for (int at = 0; at < x.Length; at++)
        {
            double[] mixed = new double[heads * width];
            for (int head = 0; head < heads; head++)
            {
                int group = head / (heads / keyHeads);
                double[] scores = [.. Enumerable.Range(0, at + 1).Select(to =>
                    Enumerable.Range(0, width).Sum(i => q[at][(head * width) + i] * k[to][(group * width) + i]) / Math.Sqrt(width))];
                double sum = scores.Sum(score => Math.Exp(score - scores.Max()));
                for (int i = 0; i < width; i++)
                {
                    mixed[(head * width) + i] = Enumerable.Range(0, at + 1).Sum(to => Math.Exp(scores[to] - scores.Max()) / sum * v[to][(group * width) + i]);
                }
            }

            result[at] = Product(name + "o_proj.weight", mixed);
        }

        return result;
    }

    /// <summary>x·cos + rotate_half(x)·sin, as the architecture has it.</summary>
    private double[] Rotate(double[] x, int heads, int width, int position)
    {
        double[] result = new double[x.Length];
        double theta = _config.GetProperty("rope_theta").GetDouble();
        for (int at = 0; at < heads * width; at++)
        {
            int within = at % width;
            double angle = position * Math.Pow(theta, -2.0 * (within % (width / 2)) / width);
            double partner = within < width / 2 ? -x[at + (width / 2)] : x[at - (width / 2)];
            result[at] = (x[at] * Math.Cos(angle)) + (partner * Math.Sin(angle));
        }

        return result;
    }

    private double[] FeedForward(double[] x, string name)
    {
        double[] up = Product(name + "up_proj.weight", x);
        if (_config.GetProperty("model_type").GetString() == "llama")
        {
            double[] gate = Product(name + "gate_proj.weight", x);
            return Product(name + "down_proj.weight", [.. gate.Zip(up, (g, u) => g / (1 + Math.Exp(-g)) * u)]);
        }

        return Product(name + "down_proj.weight", [.. up.Select(u => 0.5 * u * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (u + (0.044715 * u * u * u)))))]);
    }

    private double[] Norm(double[] x, string gain)
    {
        double scale = 1 / Math.Sqrt(x.Average(value => value * value) + _config.GetProperty("rms_norm_eps").GetDouble());
        return [.. x.Zip(_tensors[gain], (value, g) => value * scale * g)];
    }

    private double[] Product(string name, double[] x)
    {
        double[] matrix = _tensors[name];
        return [.. Enumerable.Range(0, matrix.Length / x.Length).Select(row => Enumerable.Range(0, x.Length).Sum(column => matrix[(row * x.Length) + column] * x[column]))];
    }

    private static double[] Sum(double[] a, double[] b) => [.. a.Zip(b, (left, right) => left + right)];

    private int Number(string key) => _config.GetProperty(key).GetInt32();
}
