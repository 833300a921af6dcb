using DiPaCo.Core;

namespace DiPaCo.Model.Kernels;

/// <summary>The dimensions of causal self-attention over a batch of equally long sequences.</summary>
/// <param name="Sequences">B.</param>
/// <param name="Length">T.</param>
/// <param name="Heads">Query heads.</param>
/// <param name="KeyValueHeads">Key and value heads; divides <paramref name="Heads"/>.</param>
/// <param name="HeadWidth">Width of a head.</param>
internal readonly record struct AttentionGeometry(int Sequences, int Length, int Heads, int KeyValueHeads, int HeadWidth)
{
    public int QkvWidth => (Heads + (2 * KeyValueHeads)) * HeadWidth;

    public int OutputWidth => Heads * HeadWidth;

    /// <summary>Query heads that share one key and value head.</summary>
    public int Group => Heads / KeyValueHeads;

    public float Scale => (float)(1.0 / Math.Sqrt(HeadWidth));

    public static AttentionGeometry Of(TransformerShape shape, int sequences, int length) =>
        new(sequences, length, shape.Heads, shape.KeyValueHeads, shape.HeadWidth);
}
