namespace DiPaCo.Runtime.Rules;

/// <summary>A worker's time-limited claim on a task.</summary>
/// <param name="Number">Its fencing number.</param>
/// <param name="Worker">Who holds it.</param>
/// <param name="Incarnation">Which start of that worker.</param>
/// <param name="Started">When it was given.</param>
/// <param name="Deadline">When it ends unless a heartbeat comes.</param>
/// <param name="LastHeard">When it was given or last heard of.</param>
/// <param name="StartFraction">Part of the task that earlier leases have done, 0 to 1.</param>
/// <param name="DoneFraction">Part of the task that is done, 0 to 1.</param>
/// <param name="ExpectedEnd">When the task should be done here; null: nothing was measured yet that would tell.</param>
public sealed record Lease(
    LeaseNumber Number, WorkerId Worker, long Incarnation, DateTimeOffset Started, DateTimeOffset Deadline, DateTimeOffset LastHeard,
    double StartFraction, double DoneFraction, DateTimeOffset? ExpectedEnd);
