namespace DiPaCo.Cluster;

/// <summary>Something that happened to a worker.</summary>
/// <param name="Kind">What.</param>
/// <param name="Text">In words, with the task where there is one.</param>
public sealed record WorkerEvent(WorkerEventKind Kind, string Text);
