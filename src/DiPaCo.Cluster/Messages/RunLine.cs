namespace DiPaCo.Cluster;

/// <summary>Where a run of a cluster stands, for people.</summary>
/// <param name="Run">Its name.</param>
/// <param name="Life">What it is: running, paused, …</param>
/// <param name="Since">Since when.</param>
/// <param name="Doing">The stage and how far it is; why it failed; the model's digest.</param>
/// <param name="Silo">The silo that hosts it; empty: none does now.</param>
/// <param name="Refusal">Why what was asked for is not done; empty: it is.</param>
[GenerateSerializer]
[Immutable]
[Alias("dipaco.run-line")]
public sealed record RunLine(string Run, RunLife Life, DateTimeOffset Since, string Doing, string Silo, string Refusal = "");
