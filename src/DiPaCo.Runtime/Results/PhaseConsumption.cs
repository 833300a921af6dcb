using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime;

/// <summary>A phase of the token ledger, balanced again from what the journal holds.</summary>
/// <param name="Phase">The phase.</param>
/// <param name="Paths">What each path that had a turn has read, in order of path ids.</param>
/// <param name="LostSteps">Steps that a path has left out between this phase and the one before on the same shard.</param>
/// <param name="DuplicatedSteps">Steps that a path has made twice.</param>
public sealed record PhaseConsumption(Phase Phase, ImmutableArray<PathConsumption> Paths, long LostSteps, long DuplicatedSteps);
