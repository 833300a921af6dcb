using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace DiPaCo.Runtime;

/// <summary>Held-out perplexities, measured again.</summary>
public sealed record EvaluationResult
{
    /// <summary>Name of the run.</summary>
    public required string Name { get; init; }

    /// <summary>Digest of the modules that were evaluated.</summary>
    public required string ModelDigest { get; init; }

    /// <summary>Files and folders of the text; empty for the run's own test split.</summary>
    public ImmutableArray<string> Data { get; init; } = [];

    /// <summary>Documents scored.</summary>
    public required long Documents { get; init; }

    /// <summary>Records of the text that could not be read and were left out; 0 for the run's own test split.</summary>
    public long BadRecords { get; init; }

    /// <summary>One row a model.</summary>
    public required ImmutableArray<EvaluationRow> Evaluation { get; init; }

    /// <summary>How the router divides the documents that were scored; null where nothing was routed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RouterQuality? Router { get; init; }
}
