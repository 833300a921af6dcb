using DiPaCo.Core;

namespace DiPaCo.Runtime;

/// <summary>Validation after a phase.</summary>
/// <param name="Phase">The phase that ended.</param>
/// <param name="Perplexity">Perplexity, prefix excluded.</param>
public sealed record PhaseValidation(Phase Phase, double Perplexity);
