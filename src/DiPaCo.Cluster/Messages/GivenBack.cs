namespace DiPaCo.Cluster;

/// <summary>A task that a worker gives back.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Message">The same for people; empty when the worker leaves.</param>
[GenerateSerializer]
public sealed record GivenBack(GiveBackReason Reason, string Message);
