namespace DiPaCo.Cluster;

/// <summary>Progress of a task on its way from the worker to the run, for people; see <see cref="Runtime.Tasks.TaskStep"/>.</summary>
/// <param name="Done">Units done.</param>
/// <param name="Units">Units in all; 0 when unknown.</param>
/// <param name="Training">Set by training tasks.</param>
[GenerateSerializer]
public sealed record StepReport(long Done, long Units, TrainingReport? Training);
