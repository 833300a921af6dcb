using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace DiPaCo.Runtime;

/// <summary>Everything that a finished run has to say, as data: <c>results.json</c>, from which report and tables are made.</summary>
public sealed record RunResults
{
    /// <summary>Name of the run.</summary>
    public required string Name { get; init; }

    /// <summary>SHA-256 over the sorted list of module id and blob hash: equal digests mean equal models.</summary>
    public required string ModelDigest { get; init; }

    /// <summary>The complete configuration as YAML, defaults included.</summary>
    public required string ConfigurationYaml { get; init; }

    /// <summary>What was learned from.</summary>
    public required CorpusSummary Corpus { get; init; }

    /// <summary>Sizes of the model.</summary>
    public required ModelSummary Model { get; init; }

    /// <summary>The shard of every path, in order of path ids.</summary>
    public required ImmutableArray<ShardSummary> Shards { get; init; }

    /// <summary>Held-out results, one row a model, best baseline first is not assumed.</summary>
    public required ImmutableArray<EvaluationRow> Evaluation { get; init; }

    /// <summary>How the router divides the documents that were scored; null where nothing was routed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RouterQuality? Router { get; init; }

    /// <summary>Perplexity of the routed model on validation documents after each phase that measured it.</summary>
    public required ImmutableArray<PhaseValidation> Validation { get; init; }

    /// <summary>The outer gradients of the modules that make outer steps, phase after phase; of a large model those 64 that most paths share.</summary>
    public required ImmutableArray<OuterGradient> OuterGradients { get; init; }

    /// <summary>What each shard is about, in order of path ids.</summary>
    public ImmutableArray<ShardTopics> Topics { get; init; } = [];

    /// <summary>How far modules of one layout are from each other.</summary>
    public ImmutableArray<LevelDrift> Drift { get; init; } = [];

    /// <summary>Continuations of prompts by different paths.</summary>
    public required ImmutableArray<TextSample> Samples { get; init; }

    /// <summary>The machine of the last session; null when unknown.</summary>
    public MachineSummary? Machine { get; init; }

    /// <summary>Which tasks came from which numerics fingerprint, where workers that round differently took part; otherwise empty.</summary>
    public ImmutableArray<NumericsShare> Numerics { get; init; } = [];

    /// <summary>Time per stage over all sessions, in order of stages.</summary>
    public ImmutableArray<StageTime> Timings { get; init; } = [];
}
