using DiPaCo.Core;
using static TorchSharp.torch;

namespace DiPaCo.Model.Buffers;

/// <summary>What the forward pass of one block leaves for its backward pass. M is the number of tokens of a micro-batch.</summary>
internal sealed class BlockActivations(TransformerShape shape, ScalarType type, Device device) : IDisposable
{
    /// <summary>The residual stream at the block's entrance, fp32 [M, D].</summary>
    public TensorBuffer ResidualIn { get; } = new(shape.Width, ScalarType.Float32, device);

    /// <summary>1 / root mean square of each row of <see cref="ResidualIn"/>, fp32 [M].</summary>
    public TensorBuffer InverseRootIn { get; } = new(0, ScalarType.Float32, device);

    /// <summary>Input of the attention, [M, D].</summary>
    public TensorBuffer AttentionInput { get; } = new(shape.Width, type, device);

    /// <summary>Queries, keys and values before rotation, [M, (H + 2·KV)·head width]. Backward turns it into its gradient.</summary>
    public TensorBuffer Qkv { get; } = new(shape.QkvRows, type, device);

    /// <summary>Output of the attention's heads, [M, H·head width].</summary>
    public TensorBuffer Heads { get; } = new((long)shape.Heads * shape.HeadWidth, type, device);

    /// <summary>Logarithm of each query's sum of exponentials, fp32 [M, H].</summary>
    public TensorBuffer LogSums { get; } = new(shape.Heads, ScalarType.Float32, device);

    /// <summary>The residual stream after the attention, fp32 [M, D].</summary>
    public TensorBuffer ResidualMid { get; } = new(shape.Width, ScalarType.Float32, device);

    /// <summary>1 / root mean square of each row of <see cref="ResidualMid"/>, fp32 [M].</summary>
    public TensorBuffer InverseRootMid { get; } = new(0, ScalarType.Float32, device);

    /// <summary>Input of the feed-forward, [M, D].</summary>
    public TensorBuffer FeedForwardInput { get; } = new(shape.Width, type, device);

    /// <summary>Gate and up before the activation, [M, 2·F] or [M, F]. Backward turns it into its gradient.</summary>
    public TensorBuffer Up { get; } = new(shape.UpRows, type, device);

    /// <summary>Bytes allocated.</summary>
    public long Bytes => All.Sum(buffer => buffer.Bytes);

    private TensorBuffer[] All =>
        [ResidualIn, InverseRootIn, AttentionInput, Qkv, Heads, LogSums, ResidualMid, InverseRootMid, FeedForwardInput, Up];

    public void Resize(long tokens)
    {
        foreach (TensorBuffer buffer in All)
        {
            buffer.Resize(tokens);
        }
    }

    public void Dispose()
    {
        foreach (TensorBuffer buffer in All)
        {
            buffer.Dispose();
        }
    }
}
