namespace DiPaCo.Core.Configuration;

/// <summary>The transformer of one path (the vocabulary comes from the tokenizer, the number of blocks from the levels).</summary>
public sealed record TransformerOptions
{
    /// <summary>Width of the residual stream, D; a multiple of 32.</summary>
    public required int Width { get; init; }

    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Key and value heads; divides <see cref="Heads"/>.</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>Width of one head; a multiple of 8.</summary>
    public required int HeadWidth { get; init; }

    /// <summary>Inner width of the feed-forward; a multiple of 32.</summary>
    public required int FeedForward { get; init; }

    /// <summary>Kind of feed-forward. Default SwiGLU.</summary>
    public Activation Activation { get; init; } = Activation.SwiGlu;

    /// <summary>
    /// Whether a path's output matrix is the embedding matrix of the same path, whichever module that belongs to. A path has exactly one
    /// embedding, so tying works with every sharing; the gradient of the output matrix belongs to the embedding's module.
    /// </summary>
    public bool TiedEmbedding { get; init; } = true;

    /// <summary>Base of the rotary frequencies. Default 10,000.</summary>
    public double RopeBase { get; init; } = 10_000;

    /// <summary>Added to the mean square inside RMSNorm. Default 1e-5.</summary>
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>Tokens of a training sequence, T; greater than the routing prefix.</summary>
    public required int SequenceLength { get; init; }

    /// <summary>Arithmetic of the matrix products; parameters, statistics, loss and optimizers are fp32 always.</summary>
    public ComputeType Compute { get; init; } = ComputeType.Bf16;
}
