using DiPaCo.Runtime.Rules;

namespace DiPaCo.Cluster;

/// <summary>What a worker is told that is still at a task.</summary>
/// <param name="Lease">The lease from now on.</param>
/// <param name="Verdict">What to do.</param>
/// <param name="Reason">Why it is not simply to go on; empty: it is.</param>
[GenerateSerializer]
[Immutable]
public sealed record HeartbeatOutcome(long Lease, HeartbeatVerdict Verdict, string Reason);
