using System.Collections.Immutable;

namespace DiPaCo.Core.Configuration;

/// <summary>A row of an experiment.</summary>
/// <param name="Name">Name of the row; its runs are named <c>name-seed1</c>, <c>name-seed2</c>, ….</param>
/// <param name="Runs">One run per seed.</param>
public sealed record ExperimentRow(string Name, ImmutableArray<LoadedConfig> Runs);
