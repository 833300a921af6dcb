namespace DiPaCo.Cluster;

/// <summary>Where a task stands.</summary>
/// <param name="Run">Its run.</param>
/// <param name="Key">Its name.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="State">For people: on which worker, or what it waits for.</param>
/// <param name="Since">Since when.</param>
/// <param name="Attempts">How often it was leased.</param>
/// <param name="LastFailure">Why the last failed attempt failed; null: none did.</param>
/// <param name="LacksWorker">No worker that is there could compute it.</param>
/// <param name="What">Which path, and which of its steps; empty where it trains none.</param>
[GenerateSerializer]
[Immutable]
public sealed record TaskStatusLine(string Run, string Key, string Kind, string State, DateTimeOffset Since, int Attempts, string? LastFailure,
    bool LacksWorker, string What = "");
