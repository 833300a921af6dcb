namespace DiPaCo.Cluster;

/// <summary>What a worker that asks for work is told.</summary>
/// <param name="Task">Its task; null where there is none.</param>
/// <param name="WaitingFor">Without a task: what there is to wait for, for people.</param>
/// <param name="UnknownWorker">The silo does not know this incarnation: it has to register again.</param>
[GenerateSerializer]
public sealed record LeaseOutcome(LeasedTask? Task, string WaitingFor, bool UnknownWorker);
