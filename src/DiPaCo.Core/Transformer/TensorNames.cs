using System.Globalization;

namespace DiPaCo.Core;

/// <summary>The names of tensors in module files.</summary>
public static class TensorNames
{
    /// <summary>Token embedding, [V, D].</summary>
    public const string Embedding = "model.embed_tokens.weight";

    /// <summary>Gain of the last norm, [D].</summary>
    public const string FinalNorm = "model.norm.weight";

    /// <summary>Output matrix, [V, D]; absent when tied.</summary>
    public const string Head = "lm_head.weight";

    /// <summary>Fused query, key and value projection, [(H + 2·KV)·head width, D].</summary>
    public static string Qkv(int block) => Of(block, "self_attn.qkv_proj");

    /// <summary>Attention output projection, [D, H·head width].</summary>
    public static string AttentionOutput(int block) => Of(block, "self_attn.o_proj");

    /// <summary>Fused gate and up projection, [2·F, D]; only up, [F, D], for GELU.</summary>
    public static string Up(int block) => Of(block, "mlp.gate_up_proj");

    /// <summary>Feed-forward output projection, [D, F].</summary>
    public static string Down(int block) => Of(block, "mlp.down_proj");

    /// <summary>Gain of the norm before attention, [D].</summary>
    public static string AttentionNorm(int block) => Of(block, "input_layernorm");

    /// <summary>Gain of the norm before the feed-forward, [D].</summary>
    public static string FeedForwardNorm(int block) => Of(block, "post_attention_layernorm");

    private static string Of(int block, string name) =>
        string.Create(CultureInfo.InvariantCulture, $"model.layers.{block}.{name}.weight");
}
