namespace DiPaCo.Runtime.Rules;

/// <summary>What a run wants of its tasks, as it last said.</summary>
/// <param name="Number">Grows with each change of mind: an earlier one that arrives later means nothing.</param>
/// <param name="Demand">What it wants.</param>
/// <param name="Since">When that arrived.</param>
/// <param name="LastHeard">When it last said so: a pause that is not said again lapses.</param>
public sealed record RunStanding(long Number, RunDemand Demand, DateTimeOffset Since, DateTimeOffset LastHeard);
