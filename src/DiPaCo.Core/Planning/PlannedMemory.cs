using DiPaCo.Core.Configuration;

namespace DiPaCo.Core.Planning;

/// <summary>Memory for training one path, in bytes. Libraries and the data's pages come on top.</summary>
/// <param name="Parameters">The fp32 master: 4 bytes per parameter.</param>
/// <param name="Gradient">Its gradient: 4.</param>
/// <param name="Optimizer">AdamW's two moments: 8.</param>
/// <param name="ComputeCopy">The bf16 copy that the matrix products read: 2; none in fp32.</param>
/// <param name="Activations">What the forward pass of a micro-batch keeps for the backward pass, and one chunk of logits (an estimate).</param>
public sealed record PlannedMemory(long Parameters, long Gradient, long Optimizer, long ComputeCopy, long Activations)
{
    /// <summary>Tokens whose logits exist at one time.</summary>
    private const int HeadTokens = 1_024;

    /// <summary>Everything together.</summary>
    public long Total => Parameters + Gradient + Optimizer + ComputeCopy + Activations;

    /// <summary>Estimates the memory.</summary>
    /// <param name="shape">The path.</param>
    /// <param name="parameters">Its parameters.</param>
    /// <param name="compute">Arithmetic of the matrix products.</param>
    /// <param name="tokens">Tokens of a micro-batch.</param>
    public static PlannedMemory Of(TransformerShape shape, long parameters, ComputeType compute, long tokens)
    {
        const int single = 4;
        int operand = compute == ComputeType.Bf16 ? 2 : single;
        long heads = (long)shape.Heads * shape.HeadWidth;

        // Per token. A block keeps the residual stream twice and the softmax's sums in fp32, and the operands of its four products.
        long block = (single * ((2L * shape.Width) + shape.Heads + 2)) + (operand * ((2L * shape.Width) + shape.QkvRows + heads + shape.UpRows));

        // The rest exists once: residual stream and its gradient in fp32, inputs and gradients of one block's products.
        long once = (single * ((2L * shape.Width) + 4)) + (operand * ((2L * shape.Width) + shape.FeedForward + heads));
        long logits = Math.Min(tokens, HeadTokens) * shape.OutputRows * operand;
        return new PlannedMemory(
            parameters * single, parameters * single, parameters * 2 * single, compute == ComputeType.Bf16 ? parameters * operand : 0,
            (tokens * ((shape.Blocks * block) + once)) + logits);
    }
}
