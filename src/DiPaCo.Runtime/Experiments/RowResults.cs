using System.Collections.Immutable;

namespace DiPaCo.Runtime.Experiments;

/// <summary>What a row has found.</summary>
/// <param name="Name">Name of the row.</param>
/// <param name="Runs">Its finished runs, one per seed.</param>
public sealed record RowResults(string Name, ImmutableArray<RowRun> Runs);
