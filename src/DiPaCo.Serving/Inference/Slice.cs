namespace DiPaCo.Serving.Inference;

/// <summary>Some consecutive positions of one sequence that a step computes.</summary>
internal sealed record Slice
{
    /// <summary>The path.</summary>
    public required PathWeights Path { get; init; }

    /// <summary>The sequence's cache, which must hold everything below <see cref="Position"/>.</summary>
    public required SequenceCache Cache { get; init; }

    /// <summary>Position of the first token.</summary>
    public required int Position { get; init; }

    /// <summary>The tokens.</summary>
    public required ReadOnlyMemory<int> Tokens { get; init; }

    /// <summary>The block to begin at: 0, or one whose input the cache holds for these positions.</summary>
    public int StartBlock { get; init; }

    /// <summary>Which logits are wanted.</summary>
    public LogitRows Logits { get; init; } = LogitRows.Last;

    /// <summary>Whether the residual stream behind the last block is wanted, before the last norm.</summary>
    public bool Hidden { get; init; }
}
