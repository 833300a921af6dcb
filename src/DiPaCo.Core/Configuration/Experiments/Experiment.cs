using System.Collections.Immutable;

namespace DiPaCo.Core.Configuration;

/// <summary>A table of configurations to compare: every row is the base with some values changed, run with every seed.</summary>
/// <param name="Name">Name of the experiment, and of its folder under <c>experiments/</c>.</param>
/// <param name="Rows">The rows, in the order of the file.</param>
public sealed record Experiment(string Name, ImmutableArray<ExperimentRow> Rows);
