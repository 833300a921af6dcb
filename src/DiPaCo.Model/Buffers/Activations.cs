using DiPaCo.Core;
using static TorchSharp.torch;

namespace DiPaCo.Model.Buffers;

/// <summary>Every buffer that depends on the number of tokens. Inference keeps one block's only.</summary>
internal sealed class Activations : IDisposable
{
    private readonly TransformerShape _shape;
    private readonly ScalarType _type;
    private readonly Device _device;
    private readonly List<BlockActivations> _blocks = [];
    private readonly TensorBuffer[] _own;
    private bool _keepsBlocks;

    public Activations(TransformerShape shape, ScalarType type, Device device)
    {
        (_shape, _type, _device) = (shape, type, device);
        Tokens = new(0, ScalarType.Int32, device);
        Targets = new(0, ScalarType.Int32, device);
        Delta = new(shape.Width, type, device);
        Inner = new(shape.FeedForward, type, device);
        ResidualOut = new(shape.Width, ScalarType.Float32, device);
        InverseRootOut = new(0, ScalarType.Float32, device);
        HeadInput = new(shape.Width, type, device);
        Losses = new(0, ScalarType.Float32, device);
        Logits = new(shape.OutputRows, type, device);
        ResidualGradient = new(shape.Width, ScalarType.Float32, device);
        HeadsGradient = new((long)shape.Heads * shape.HeadWidth, type, device);
        _own = [Tokens, Targets, Delta, Inner, ResidualOut, InverseRootOut, HeadInput, Losses, ResidualGradient, HeadsGradient];
    }

    /// <summary>Tokens, int32 [M].</summary>
    public TensorBuffer Tokens { get; }

    /// <summary>Targets, int32 [M]; −1 is not scored.</summary>
    public TensorBuffer Targets { get; }

    /// <summary>What a half-block adds to the residual stream, [M, D]; in the backward pass the gradient of that.</summary>
    public TensorBuffer Delta { get; }

    /// <summary>Inner feed-forward activations, [M, F]; in the backward pass their gradient.</summary>
    public TensorBuffer Inner { get; }

    /// <summary>The residual stream after the last block, fp32 [M, D].</summary>
    public TensorBuffer ResidualOut { get; }

    /// <summary>1 / root mean square of each row of <see cref="ResidualOut"/>, fp32 [M].</summary>
    public TensorBuffer InverseRootOut { get; }

    /// <summary>Input of the output matrix, [M, D]; in the backward pass the gradient of any norm's output.</summary>
    public TensorBuffer HeadInput { get; }

    /// <summary>Loss of each token in nats, fp32 [M]; 0 where it is not scored.</summary>
    public TensorBuffer Losses { get; }

    /// <summary>Logits of one chunk of tokens, [C, V]; then their gradient.</summary>
    public TensorBuffer Logits { get; }

    /// <summary>Gradient of the residual stream, fp32 [M, D].</summary>
    public TensorBuffer ResidualGradient { get; }

    /// <summary>Gradient of the output of the attention's heads, [M, H·head width].</summary>
    public TensorBuffer HeadsGradient { get; }

    /// <summary>Bytes allocated.</summary>
    public long Bytes => _own.Sum(buffer => buffer.Bytes) + Logits.Bytes + _blocks.Sum(block => block.Bytes);

    /// <summary>The buffers of block <paramref name="number"/>; one block serves all where nothing is kept for a backward pass.</summary>
    public BlockActivations Block(int number) => _blocks[_keepsBlocks ? number : 0];

    /// <summary>Prepares for <paramref name="tokens"/> tokens.</summary>
    public void Resize(long tokens, bool training)
    {
        foreach (TensorBuffer buffer in _own)
        {
            buffer.Resize(tokens);
        }

        int blocks = training ? _shape.Blocks : 1;
        while (_blocks.Count < blocks)
        {
            _blocks.Add(new BlockActivations(_shape, _type, _device));
        }

        for (int block = 0; block < blocks; block++)
        {
            _blocks[block].Resize(tokens);
        }

        _keepsBlocks = training;
    }

    public void Dispose()
    {
        foreach (TensorBuffer buffer in _own)
        {
            buffer.Dispose();
        }

        Logits.Dispose();
        _blocks.ForEach(block => block.Dispose());
    }
}
