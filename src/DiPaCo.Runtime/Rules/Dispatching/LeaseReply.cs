namespace DiPaCo.Runtime.Rules;

/// <summary>What a worker that asks for a task is told.</summary>
/// <param name="Number">Number of the request.</param>
/// <param name="Grant">Its task; null: none now.</param>
/// <param name="Wait">Without a task: what it waits on.</param>
/// <param name="IsUnknown">The dispatcher does not know this incarnation: it has to register.</param>
public sealed record LeaseReply(long Number, LeaseGrant? Grant, WaitReason? Wait, bool IsUnknown = false);
