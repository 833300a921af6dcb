using System.Text.Json.Serialization;

namespace DiPaCo.Core;

/// <summary>
/// The numbers that fix one path's transformer: a decoder in the Llama layout
/// (RMSNorm before attention and feed-forward, rotary positions, no biases).
/// </summary>
public sealed record TransformerShape
{
    /// <summary>Entries of the vocabulary, V.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>Blocks of one path, all levels together.</summary>
    public required int Blocks { get; init; }

    /// <summary>Width of the residual stream, D. A multiple of 32.</summary>
    public required int Width { get; init; }

    /// <summary>Query heads, H.</summary>
    public required int Heads { get; init; }

    /// <summary>Key and value heads; divides <see cref="Heads"/>. Equal to it: plain multi-head attention.</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>Width of one head. A multiple of 8.</summary>
    public required int HeadWidth { get; init; }

    /// <summary>Inner width of the feed-forward, F. A multiple of 32.</summary>
    public required int FeedForward { get; init; }

    /// <summary>Kind of feed-forward.</summary>
    public Activation Activation { get; init; } = Activation.SwiGlu;

    /// <summary>Whether the output matrix is the embedding matrix.</summary>
    public bool TiedEmbedding { get; init; } = true;

    /// <summary>
    /// Rows of the output matrix where they are not the vocabulary: classes to predict at every token. Then the output matrix cannot be
    /// the embedding (<see cref="TiedEmbedding"/>). Null: the vocabulary.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Outputs { get; init; }

    /// <summary>Base of the rotary frequencies.</summary>
    public double RopeBase { get; init; } = 10_000;

    /// <summary>Added to the mean square inside RMSNorm.</summary>
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>Rows of the fused query, key and value projection.</summary>
    public int QkvRows => (Heads + (2 * KeyValueHeads)) * HeadWidth;

    /// <summary>Rows of the fused gate and up projection (only up for GELU).</summary>
    public int UpRows => Activation == Activation.SwiGlu ? 2 * FeedForward : FeedForward;

    /// <summary>Rows of the output matrix: the entries of the vocabulary, or <see cref="Outputs"/>.</summary>
    [JsonIgnore]
    public int OutputRows => Outputs ?? Vocabulary;

    /// <summary>Multiply-adds of one token in the matrices of a whole path (embedding look-up excluded, head included).</summary>
    public long MatrixParameters =>
        ((long)Blocks * Width * (QkvRows + (Heads * HeadWidth) + UpRows + FeedForward)) + ((long)OutputRows * Width);

    /// <summary>
    /// Floating-point operations of one training step per token at sequence length <paramref name="sequenceLength"/>:
    /// 6 per matrix parameter, plus causal attention (half of the T×T products), forward and backward.
    /// </summary>
    public double TrainingFlopsPerToken(int sequenceLength) =>
        3 * ForwardFlopsPerToken(sequenceLength);

    /// <summary>Floating-point operations of one forward pass per token.</summary>
    public double ForwardFlopsPerToken(int sequenceLength) =>
        (2.0 * MatrixParameters) + (2.0 * Blocks * Heads * HeadWidth * sequenceLength);

    /// <summary>Floating-point operations of one token as far as the last block, without the head: what a feature costs (paper §2.4).</summary>
    public double FeatureFlopsPerToken(int sequenceLength) => Blocks * ForwardFlopsPerToken(TransformerPart.OfBlock(0), sequenceLength);

    /// <summary>The share of one part in <see cref="ForwardFlopsPerToken(int)"/>; a look-up in the embedding is none.</summary>
    /// <param name="part">Which part.</param>
    /// <param name="sequenceLength">Tokens of a sequence.</param>
    public double ForwardFlopsPerToken(TransformerPart part, int sequenceLength) => part.Kind switch
    {
        TransformerPartKind.Embedding => 0,
        TransformerPartKind.Block => (2.0 * Width * (QkvRows + (Heads * HeadWidth) + UpRows + FeedForward)) + (2.0 * Heads * HeadWidth * sequenceLength),
        _ => 2.0 * OutputRows * Width,
    };
}
