using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace DiPaCo.Runtime;

/// <summary>How far a run is.</summary>
public sealed record RunStatus
{
    /// <summary>Name of the run.</summary>
    public required string Name { get; init; }

    /// <summary>Whether it runs, waits or is finished.</summary>
    public required RunState State { get; init; }

    /// <summary>The first stage that is not finished; null when all are.</summary>
    public Stage? Stage { get; init; }

    /// <summary>Phases that every module has finished.</summary>
    public required int PhasesDone { get; init; }

    /// <summary>Phases in all.</summary>
    public required int Phases { get; init; }

    /// <summary>Digest of the latest complete set of modules; null before the first.</summary>
    public string? ModelDigest { get; init; }

    /// <summary>Sizes of the model; null before the vocabulary is known.</summary>
    public ModelSummary? Model { get; init; }

    /// <summary>Validation perplexity of the phases so far.</summary>
    public ImmutableArray<PhaseValidation> Validation { get; init; } = [];

    /// <summary>Final results; empty before the evaluation.</summary>
    public ImmutableArray<EvaluationRow> Evaluation { get; init; } = [];

    /// <summary>How the router divides the documents that were scored; null where nothing was routed yet.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RouterQuality? Router { get; init; }
}
