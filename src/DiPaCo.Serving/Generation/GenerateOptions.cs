using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Serving.Inference;
using DiPaCo.Serving.Sampling;
using DiPaCo.Serving.Scheduling;

namespace DiPaCo.Serving.Generation;

/// <summary>How one text is written.</summary>
public sealed record GenerateOptions
{
    /// <summary>The path; null: the router chooses.</summary>
    public PathId? Path { get; init; }

    /// <summary>Most tokens; null: as many as the context has room for.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>How tokens are drawn.</summary>
    public SamplingOptions Sampling { get; init; } = new();

    /// <summary>Texts before which writing ends.</summary>
    public ImmutableArray<string> Stop { get; init; } = [];

    /// <summary>Whether and how paths are chosen anew.</summary>
    public RerouteOptions? Reroute { get; init; }

    /// <summary>How weights are stored; null: as the run trained.</summary>
    public WeightType? Weights { get; init; }

    /// <summary>Threads that compute. Default: all processors.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;
}
