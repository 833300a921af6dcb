namespace DiPaCo.Cluster;

/// <summary>What a worker does now.</summary>
/// <param name="Worker">Its name.</param>
/// <param name="Device">What it computes on.</param>
/// <param name="State">For people: computing what, idle, silent, or quarantined and why.</param>
/// <param name="Since">Since when.</param>
/// <param name="Completed">Tasks delivered.</param>
/// <param name="Failed">Tasks that failed here.</param>
/// <param name="Refused">Results that were refused at the door; three quarantine the worker.</param>
/// <param name="IsSlow">Whether it takes far longer than the median worker.</param>
/// <param name="Fingerprint">Its numerics.</param>
/// <param name="TokensPerSecond">At which it trains now; 0: it does not.</param>
[GenerateSerializer]
[Immutable]
public sealed record WorkerStatus(
    string Worker, string Device, string State, DateTimeOffset Since, long Completed, long Failed, long Refused, bool IsSlow, string Fingerprint,
    double TokensPerSecond = 0);
