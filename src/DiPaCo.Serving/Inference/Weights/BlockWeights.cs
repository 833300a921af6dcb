namespace DiPaCo.Serving.Inference;

/// <summary>One block's weights in a loaded module. Two sequences share a product where they share this object.</summary>
/// <param name="qkv">[(H + 2·KV)·head width, D].</param>
/// <param name="output">[D, H·head width].</param>
/// <param name="up">[2·F, D] or [F, D].</param>
/// <param name="down">[D, F].</param>
/// <param name="attentionNorm">[D].</param>
/// <param name="feedForwardNorm">[D].</param>
internal sealed unsafe class BlockWeights(PackedMatrix qkv, PackedMatrix output, PackedMatrix up, PackedMatrix down, float* attentionNorm, float* feedForwardNorm)
{
    public PackedMatrix Qkv { get; } = qkv;

    public PackedMatrix Output { get; } = output;

    public PackedMatrix Up { get; } = up;

    public PackedMatrix Down { get; } = down;

    public float* AttentionNorm { get; } = attentionNorm;

    public float* FeedForwardNorm { get; } = feedForwardNorm;
}
