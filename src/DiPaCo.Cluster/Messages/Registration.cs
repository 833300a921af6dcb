namespace DiPaCo.Cluster;

/// <summary>What a silo answers to a worker that registers.</summary>
/// <param name="Clock">The silo's time.</param>
[GenerateSerializer]
[Immutable]
public sealed record Registration(DateTimeOffset Clock);
