namespace DiPaCo.Runtime.Rules;

/// <summary>A task for a worker.</summary>
/// <param name="Number">Fencing number of the lease; everything that the worker says of the task carries it.</param>
/// <param name="Demand">The task.</param>
/// <param name="Continuation">Where to go on; null: at the beginning.</param>
/// <param name="Deadline">When the lease ends unless a heartbeat arrives.</param>
/// <param name="HeartbeatEvery">How often to send one.</param>
/// <param name="Expected">How long it should take here; null: unknown.</param>
/// <param name="Share">
/// Part of what is left that the worker should do before it hands back, 0 to 1: less than 1 on a slow worker, so that the others
/// need not wait for it.
/// </param>
public sealed record LeaseGrant(
    LeaseNumber Number, TaskDemand Demand, Continuation? Continuation, DateTimeOffset Deadline, TimeSpan HeartbeatEvery, TimeSpan? Expected, double Share);
