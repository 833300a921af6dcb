using System.Collections.Immutable;

namespace DiPaCo.Runtime.Tasks;

/// <summary>What a path wrote.</summary>
/// <param name="Tokens">The tokens after the prompt.</param>
public sealed record SampleMetrics(ImmutableArray<int> Tokens);
