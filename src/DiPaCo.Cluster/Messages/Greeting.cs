namespace DiPaCo.Cluster;

/// <summary>What a silo tells a worker that has not joined yet, so that it can look at itself first.</summary>
/// <param name="Version">The silo's version (<see cref="WorkerVersion"/>).</param>
/// <param name="Clock">The silo's time.</param>
/// <param name="LargestTaskBytes">Memory of the largest task that is known or planned; 0: not known yet.</param>
/// <param name="MedianFlopsPerSecond">Rate of matrix products of the median worker that is there; 0: there is none.</param>
[GenerateSerializer]
[Immutable]
public sealed record Greeting(string Version, DateTimeOffset Clock, long LargestTaskBytes, double MedianFlopsPerSecond);
