using DiPaCo.Core;

namespace DiPaCo.Runtime;

/// <summary>The outer gradient of a shared module in one phase.</summary>
/// <param name="Module">The module.</param>
/// <param name="Phase">The phase.</param>
/// <param name="Paths">Paths through the module.</param>
/// <param name="Norm">Its norm, before rescaling.</param>
/// <param name="DeltaNorm">Weighted mean of the norms of the paths' deltas.</param>
/// <param name="Cosine">Mean cosine between the paths' deltas: 0 where they are orthogonal, 1 where they are equal; null where none moved.</param>
public sealed record OuterGradient(ModuleId Module, Phase Phase, int Paths, double Norm, double DeltaNorm, double? Cosine);
