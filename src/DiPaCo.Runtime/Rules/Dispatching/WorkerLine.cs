namespace DiPaCo.Runtime.Rules;

/// <summary>What a worker does.</summary>
/// <param name="Worker">Its name.</param>
/// <param name="Device">What it computes on.</param>
/// <param name="State">For people: computing what, idle, silent, or quarantined and why.</param>
/// <param name="Since">Since when.</param>
/// <param name="IsSlow">Whether it takes far longer than the median worker, in any kind of task.</param>
/// <param name="Completed">Tasks that it completed first.</param>
/// <param name="Failed">Tasks that failed on it.</param>
/// <param name="Refused">Results of it that were refused.</param>
/// <param name="Expired">Leases of it that expired.</param>
/// <param name="Contradictions">Results of it that contradicted earlier ones.</param>
/// <param name="Fingerprint">Its numerics.</param>
public sealed record WorkerLine(
    WorkerId Worker, string Device, string State, DateTimeOffset Since, bool IsSlow, long Completed, long Failed, long Refused, long Expired,
    long Contradictions, string Fingerprint);
