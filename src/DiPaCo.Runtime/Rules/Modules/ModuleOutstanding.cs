using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>What a module has to say until it is acknowledged.</summary>
/// <param name="Submit">To the dispatcher: its outer step or its fold; null: none is needed.</param>
/// <param name="Uninformed">The paths that have not acknowledged <paramref name="Latest"/>.</param>
/// <param name="Latest">To those paths: the newest version; null: there is none.</param>
/// <param name="Versions">To the run: versions that it has not recorded, oldest first.</param>
/// <param name="Failure">To the run: why it cannot go on; null: it can.</param>
public sealed record ModuleOutstanding(
    TaskDemand? Submit, ImmutableArray<PathId> Uninformed, ModuleVersion? Latest, ImmutableArray<ModuleVersion> Versions, PartyFailure? Failure);
