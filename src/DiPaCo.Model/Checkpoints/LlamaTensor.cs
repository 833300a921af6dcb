using System.Collections.Immutable;
using System.Globalization;
using DiPaCo.Core;

namespace DiPaCo.Model.Checkpoints;

/// <summary>A tensor as other tools know it: a range of rows of one of ours, which fuse queries, keys and values, and gate and up.</summary>
/// <param name="Name">Hugging Face's name.</param>
/// <param name="GgufName">llama.cpp's name.</param>
/// <param name="Source">Our tensor.</param>
/// <param name="FirstRow">First row there.</param>
/// <param name="Rows">Rows of a matrix, or the length of a vector.</param>
/// <param name="Columns">Columns of a matrix, or 0 for a vector.</param>
/// <param name="RotaryHeads">Heads whose rows rotary positions turn, 0 if none: the two conventions order those rows differently.</param>
public sealed record LlamaTensor(string Name, string GgufName, string Source, int FirstRow, int Rows, int Columns, int RotaryHeads = 0)
{
    /// <summary>Number of elements.</summary>
    public long Length => Columns > 0 ? (long)Rows * Columns : Rows;

    /// <summary>The dimensions, slowest first.</summary>
    public long[] Shape => Columns > 0 ? [Rows, Columns] : [Rows];

    /// <summary>The tensors of a path, bottom up.</summary>
    public static ImmutableArray<LlamaTensor> Of(TransformerShape shape)
    {
        ImmutableArray<LlamaTensor>.Builder tensors = ImmutableArray.CreateBuilder<LlamaTensor>();
        (int d, int f) = (shape.Width, shape.FeedForward);
        (int queries, int keys) = (shape.Heads * shape.HeadWidth, shape.KeyValueHeads * shape.HeadWidth);
        tensors.Add(new("model.embed_tokens.weight", "token_embd.weight", TensorNames.Embedding, 0, shape.Vocabulary, d));
        for (int block = 0; block < shape.Blocks; block++)
        {
            string ours = string.Create(CultureInfo.InvariantCulture, $"model.layers.{block}.");
            string gguf = string.Create(CultureInfo.InvariantCulture, $"blk.{block}.");
            tensors.Add(new(ours + "input_layernorm.weight", gguf + "attn_norm.weight", TensorNames.AttentionNorm(block), 0, d, 0));
            tensors.Add(new(ours + "self_attn.q_proj.weight", gguf + "attn_q.weight", TensorNames.Qkv(block), 0, queries, d, shape.Heads));
            tensors.Add(new(ours + "self_attn.k_proj.weight", gguf + "attn_k.weight", TensorNames.Qkv(block), queries, keys, d, shape.KeyValueHeads));
            tensors.Add(new(ours + "self_attn.v_proj.weight", gguf + "attn_v.weight", TensorNames.Qkv(block), queries + keys, keys, d));
            tensors.Add(new(ours + "self_attn.o_proj.weight", gguf + "attn_output.weight", TensorNames.AttentionOutput(block), 0, d, queries));
            tensors.Add(new(ours + "post_attention_layernorm.weight", gguf + "ffn_norm.weight", TensorNames.FeedForwardNorm(block), 0, d, 0));
            if (shape.Activation == Activation.SwiGlu)
            {
                tensors.Add(new(ours + "mlp.gate_proj.weight", gguf + "ffn_gate.weight", TensorNames.Up(block), 0, f, d));
            }

            tensors.Add(new(ours + "mlp.up_proj.weight", gguf + "ffn_up.weight", TensorNames.Up(block), shape.UpRows - f, f, d));
            tensors.Add(new(ours + "mlp.down_proj.weight", gguf + "ffn_down.weight", TensorNames.Down(block), 0, d, f));
        }

        tensors.Add(new("model.norm.weight", "output_norm.weight", TensorNames.FinalNorm, 0, d, 0));
        if (!shape.TiedEmbedding)
        {
            tensors.Add(new("lm_head.weight", "output.weight", TensorNames.Head, 0, shape.Vocabulary, d));
        }

        return tensors.ToImmutable();
    }
}
