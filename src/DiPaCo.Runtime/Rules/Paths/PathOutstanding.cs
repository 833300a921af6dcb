using System.Collections.Immutable;

namespace DiPaCo.Runtime.Rules;

/// <summary>What a path has to say until it is acknowledged.</summary>
/// <param name="Submit">To the dispatcher: its training task; null: none is needed.</param>
/// <param name="Contributions">To its modules: what it has trained.</param>
/// <param name="Reports">To the run: phases that it has trained, oldest first.</param>
/// <param name="Failure">To the run: why it cannot go on; null: it can.</param>
public sealed record PathOutstanding(
    TaskDemand? Submit, ImmutableArray<PathContribution> Contributions, ImmutableArray<PathReport> Reports, PartyFailure? Failure);
