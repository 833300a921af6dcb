using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>A phase in which a path trains.</summary>
/// <param name="Phase">The phase.</param>
/// <param name="Steps">Inner steps, τ.</param>
public readonly record struct PathTurn(Phase Phase, int Steps);
