using System.Collections.Immutable;

namespace DiPaCo.Core.Planning;

/// <summary>A path of the plan.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Experts">Its expert of each level.</param>
/// <param name="Replica">Which of the paths with these experts it is.</param>
/// <param name="Modules">Its modules, in the order of the stack.</param>
public sealed record PlannedPath(PathId Id, ImmutableArray<int> Experts, int Replica, ImmutableArray<ModuleId> Modules);
