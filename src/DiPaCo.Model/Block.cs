using DiPaCo.Core;
using DiPaCo.Model.Buffers;
using DiPaCo.Model.Kernels;

namespace DiPaCo.Model;

/// <summary>
/// One block: x ← x + attention(norm(x)), x ← x + feed-forward(norm(x)). Each addition is done by the norm that follows it.
/// </summary>
internal sealed class Block(TransformerShape shape, int number, PathParameters parameters, IKernels kernels)
{
    private readonly Parameter _qkv = parameters[TensorNames.Qkv(number)];
    private readonly Parameter _output = parameters[TensorNames.AttentionOutput(number)];
    private readonly Parameter _up = parameters[TensorNames.Up(number)];
    private readonly Parameter _down = parameters[TensorNames.Down(number)];
    private readonly Parameter _feedForwardNorm = parameters[TensorNames.FeedForwardNorm(number)];

    /// <summary>The gain of the block's first norm, which is computed together with the addition that precedes it.</summary>
    public Parameter AttentionNorm { get; } = parameters[TensorNames.AttentionNorm(number)];

    /// <summary>
    /// From the normed <see cref="BlockActivations.AttentionInput"/> to <see cref="Activations.Delta"/>, which is still to be
    /// added to <see cref="BlockActivations.ResidualMid"/>. The first block norms its input itself.
    /// </summary>
    public void Forward(AttentionGeometry geometry, Activations a, BlockActivations kept, bool first)
    {
        if (first)
        {
            kernels.AddNorm(kept.ResidualIn, delta: null, kept.ResidualIn, AttentionNorm, kept.AttentionInput, kept.InverseRootIn);
        }

        kernels.Multiply(kept.AttentionInput, _qkv, kept.Qkv);
        kernels.Attention(geometry, kept.Qkv, kept.Heads, kept.LogSums);
        kernels.Multiply(kept.Heads, _output, a.Delta);
        kernels.AddNorm(kept.ResidualIn, a.Delta, kept.ResidualMid, _feedForwardNorm, kept.FeedForwardInput, kept.InverseRootMid);
        kernels.Multiply(kept.FeedForwardInput, _up, kept.Up);
        kernels.Activate(shape.Activation, kept.Up, a.Inner);
        kernels.Multiply(a.Inner, _down, a.Delta);
    }

    /// <summary>
    /// From the gradient of the block's output, in <see cref="Activations.ResidualGradient"/> and rounded in
    /// <see cref="Activations.Delta"/>, to the gradient of its input in the same places.
    /// </summary>
    public void Backward(AttentionGeometry geometry, Activations a, BlockActivations kept)
    {
        // The inner activations are not kept: the activation's backward pass computes them again beside the gradient.
        kernels.MultiplyBack(a.Delta, _down, a.Inner);
        kernels.ActivateBackward(shape.Activation, kept.Up, a.Inner);
        kernels.AddWeightGradient(a.Delta, a.Inner, _down);
        Products.Backward(kernels, kept.Up, kept.FeedForwardInput, _up, a.HeadInput);
        kernels.NormBackward(a.HeadInput, kept.ResidualMid, kept.InverseRootMid, _feedForwardNorm, a.ResidualGradient, a.Delta, first: false);

        Products.Backward(kernels, a.Delta, kept.Heads, _output, a.HeadsGradient);
        kernels.AttentionBackward(geometry, kept.Qkv, kept.Heads, kept.LogSums, a.HeadsGradient);
        Products.Backward(kernels, kept.Qkv, kept.AttentionInput, _qkv, a.HeadInput);
        kernels.NormBackward(a.HeadInput, kept.ResidualIn, kept.InverseRootIn, AttentionNorm, a.ResidualGradient, a.Delta, first: false);
    }
}
