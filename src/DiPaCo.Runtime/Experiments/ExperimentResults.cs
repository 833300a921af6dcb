using System.Collections.Immutable;

namespace DiPaCo.Runtime.Experiments;

/// <summary>What an experiment has found so far: <c>experiment.json</c>.</summary>
/// <param name="Name">Name of the experiment.</param>
/// <param name="Rows">Its rows that have at least one finished run.</param>
public sealed record ExperimentResults(string Name, ImmutableArray<RowResults> Rows)
{
    /// <summary>Its runs that failed, in the order of the rows.</summary>
    public ImmutableArray<FailedRun> Failed { get; init; } = [];
}
