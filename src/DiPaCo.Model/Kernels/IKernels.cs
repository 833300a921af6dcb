using DiPaCo.Core;
using DiPaCo.Model.Buffers;

namespace DiPaCo.Model.Kernels;

/// <summary>
/// What a training step consists of. Two implementations: fused loops on the CPU, and
/// composed operations of libtorch for any device. Shapes: M tokens, D width, F inner width, V vocabulary, C tokens of a chunk.
/// Buffers are never resized here; "compute" means the type of the matrix products.
/// </summary>
internal interface IKernels : IDisposable
{
    /// <summary>residual_MD = embedding_VD[tokens_M].</summary>
    /// <param name="tokens">int32 [M].</param>
    /// <param name="embedding">Compute [V, D].</param>
    /// <param name="residual">fp32 [M, D].</param>
    void Embed(TensorBuffer tokens, Parameter embedding, TensorBuffer residual);

    /// <summary>embedding gradient[tokens_M] += residual gradient_MD, in the order of the tokens.</summary>
    void EmbedBackward(TensorBuffer tokens, TensorBuffer residualGradient, Parameter embedding);

    /// <summary>sum = residual + delta (skipped where <paramref name="delta"/> is null), then RMSNorm of the sum.</summary>
    /// <param name="residual">fp32 [M, D].</param>
    /// <param name="delta">Compute [M, D], or null: the residual is normed as it is and <paramref name="sum"/> not written.</param>
    /// <param name="sum">fp32 [M, D].</param>
    /// <param name="gain">fp32 [D].</param>
    /// <param name="normed">Compute [M, D].</param>
    /// <param name="inverseRoot">fp32 [M].</param>
    void AddNorm(TensorBuffer residual, TensorBuffer? delta, TensorBuffer sum, Parameter gain, TensorBuffer normed, TensorBuffer inverseRoot);

    /// <summary>Backward of RMSNorm: adds to the gradients of the residual stream and of the gain.</summary>
    /// <param name="normedGradient">Compute [M, D].</param>
    /// <param name="residual">The norm's input, fp32 [M, D].</param>
    /// <param name="inverseRoot">fp32 [M].</param>
    /// <param name="gain">The gain, and the gradient to add to.</param>
    /// <param name="residualGradient">fp32 [M, D]: added to, or written if <paramref name="first"/>.</param>
    /// <param name="delta">Compute [M, D]: receives a copy of the sum for the next product.</param>
    /// <param name="first">Whether the gradient of the residual stream is still nothing.</param>
    void NormBackward(
        TensorBuffer normedGradient, TensorBuffer residual, TensorBuffer inverseRoot, Parameter gain,
        TensorBuffer residualGradient, TensorBuffer delta, bool first);

    /// <summary>Rotates queries and keys, then causal attention.</summary>
    /// <param name="geometry">Dimensions.</param>
    /// <param name="qkv">Compute [M, (H + 2·KV)·head width], before rotation.</param>
    /// <param name="heads">Compute [M, H·head width].</param>
    /// <param name="logSums">fp32 [M, H].</param>
    void Attention(AttentionGeometry geometry, TensorBuffer qkv, TensorBuffer heads, TensorBuffer logSums);

    /// <summary>Backward of <see cref="Attention"/>: overwrites <paramref name="qkv"/> by its gradient.</summary>
    void AttentionBackward(AttentionGeometry geometry, TensorBuffer qkv, TensorBuffer heads, TensorBuffer logSums, TensorBuffer headsGradient);

    /// <summary>inner = silu(gate)·up with gate and up side by side, or gelu(up).</summary>
    /// <param name="activation">Which.</param>
    /// <param name="up">Compute [M, 2·F] or [M, F].</param>
    /// <param name="inner">Compute [M, F].</param>
    void Activate(Activation activation, TensorBuffer up, TensorBuffer inner);

    /// <summary>Backward of <see cref="Activate"/>, in place: the input becomes its gradient, and the gradient of the output becomes the output again.</summary>
    void ActivateBackward(Activation activation, TensorBuffer up, TensorBuffer inner);

    /// <summary>Losses of a chunk of tokens, and the logits replaced by their gradient.</summary>
    /// <param name="logits">Compute [C, V]; becomes (softmax − one-hot)·<paramref name="scale"/> unless <paramref name="scale"/> is 0.</param>
    /// <param name="targets">int32 [M]; −1 gives loss 0 and gradient 0.</param>
    /// <param name="losses">fp32 [M].</param>
    /// <param name="firstToken">The chunk's place among the M tokens.</param>
    /// <param name="scale">Weight of each scored token's loss; 0: the gradient is not wanted.</param>
    void CrossEntropy(TensorBuffer logits, TensorBuffer targets, TensorBuffer losses, long firstToken, float scale);

    /// <summary>y = x·Wᵀ, with the same bytes whatever the number of threads, as all products.</summary>
    /// <param name="x">Compute [M, K].</param>
    /// <param name="weight">[N, K].</param>
    /// <param name="y">Compute [M, N].</param>
    void Multiply(MatrixRows x, Parameter weight, TensorBuffer y);

    /// <summary>dx = dy·W.</summary>
    /// <param name="dy">Compute [M, N].</param>
    /// <param name="weight">[N, K].</param>
    /// <param name="dx">Compute [M, K].</param>
    void MultiplyBack(TensorBuffer dy, Parameter weight, MatrixRows dx);

    /// <summary>dW += dyᵀ·x.</summary>
    /// <param name="dy">Compute [M, N].</param>
    /// <param name="x">Compute [M, K].</param>
    /// <param name="weight">[N, K]; its gradient is fp32.</param>
    void AddWeightGradient(TensorBuffer dy, MatrixRows x, Parameter weight);

    /// <summary>Copies a module's elements of a flat buffer from fp32 to the compute type.</summary>
    void Cast(TensorBuffer source, TensorBuffer destination, long offset, long length);

    /// <summary>Sum of squares in double precision.</summary>
    double SumOfSquares(TensorBuffer values);

    /// <summary>One AdamW update of <paramref name="parameters"/>, its compute copy included; the gradient is zero afterwards.</summary>
    void AdamW(PathParameters parameters, TensorBuffer moment1, TensorBuffer moment2, AdamWStep step);
}
