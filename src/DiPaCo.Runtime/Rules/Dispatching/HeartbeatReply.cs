namespace DiPaCo.Runtime.Rules;

/// <summary>The answer to a heartbeat.</summary>
/// <param name="Asked">The lease of the heartbeat.</param>
/// <param name="Lease">The lease from now on: a later one where the one asked for had ended and nobody else had taken the task.</param>
/// <param name="Verdict">What to do.</param>
/// <param name="Deadline">When the lease ends without another heartbeat; meaningless without a lease.</param>
/// <param name="Reason">Why it is not simply to go on; null: it is.</param>
public sealed record HeartbeatReply(
    LeaseNumber Asked, LeaseNumber Lease, HeartbeatVerdict Verdict, DateTimeOffset Deadline, string? Reason = null);
