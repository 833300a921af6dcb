namespace DiPaCo.Runtime.Rules;

/// <summary>What a worker that registers is told.</summary>
/// <param name="IsCurrent">False: a later incarnation has registered before, so this one is a ghost.</param>
/// <param name="HeartbeatEvery">How often to send heartbeats.</param>
/// <param name="LeaseDuration">How long a lease lasts without one.</param>
/// <param name="Quarantine">Why it will get no task; null: it may.</param>
public sealed record Registration(bool IsCurrent, TimeSpan HeartbeatEvery, TimeSpan LeaseDuration, string? Quarantine);
