using System.Text.Json.Serialization;

namespace DiPaCo.Runtime;

/// <summary>One row of the evaluation table.</summary>
public sealed record EvaluationRow
{
    /// <summary>What the model is to the run.</summary>
    public required ModelKind Kind { get; init; }

    /// <summary>Name of the model, for example <c>DiPaCo 2×2 + path-private</c> or <c>dense, equal steps</c>.</summary>
    public required string Model { get; init; }

    /// <summary>Number of paths.</summary>
    public required int Paths { get; init; }

    /// <summary>Parameters that run at inference.</summary>
    public required long ParametersPerPath { get; init; }

    /// <summary>Parameters of the whole model.</summary>
    public required long ParametersTotal { get; init; }

    /// <summary>Optimizer steps of one path, base stage included.</summary>
    public required long Steps { get; init; }

    /// <summary>Tokens trained on by all paths together, base stage included.</summary>
    public required long TrainingTokens { get; init; }

    /// <summary>Training floating-point operations of all paths together, base stage included.</summary>
    public required double TrainingFlops { get; init; }

    /// <summary>
    /// Floating-point operations that routing took beside the training: features, clusters, documents scored under the paths, and the training
    /// of a token router where the row uses one. 0 for dense models. What only measures (validation, this table) is in neither number.
    /// </summary>
    public double RoutingFlops { get; init; }

    /// <summary>exp of the mean loss over scored tokens, the routing prefix excluded.</summary>
    public required double Perplexity { get; init; }

    /// <summary>The same with the prefix included.</summary>
    public required double PerplexityWithPrefix { get; init; }

    /// <summary>Bits per UTF-8 byte of the text behind the prefix: no token counts under a path that it chose.</summary>
    public required double BitsPerByte { get; init; }

    /// <summary>Bits per UTF-8 byte of whole documents, which compares runs of different tokenizers; null where documents are routed more than once.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? BitsPerByteWithPrefix { get; init; }

    /// <summary>Share of the choices behind a document's first chunk that changed the path; null where documents are routed once.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public double? SwitchShare { get; init; }

    /// <summary>Tokens scored, prefix excluded.</summary>
    public required long ScoredTokens { get; init; }
}
