using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>What a run has to say until it is acknowledged.</summary>
/// <param name="Paths">To paths: their orders.</param>
/// <param name="Modules">To modules: their orders.</param>
/// <param name="DeletedPaths">To paths: that the run is deleted.</param>
/// <param name="DeletedModules">To modules: the same.</param>
/// <param name="Standing">
/// To the dispatcher: what it wants of its tasks. It is said again and again while the run is not at its end, because a dispatcher may
/// have begun anew and then believes the first that it hears, be it ever so late; null: the dispatcher knows that the run has ended.
/// </param>
public sealed record RunOutstanding(
    ImmutableArray<(PathId Path, PathOrder Order)> Paths, ImmutableArray<ModuleOrder> Modules, ImmutableArray<PathId> DeletedPaths,
    ImmutableArray<ModuleId> DeletedModules, StandingNotice? Standing);
