namespace DiPaCo.Runtime.Tasks;

/// <summary>Which held-out documents are scored.</summary>
/// <param name="Documents">How many they are.</param>
/// <param name="LastRank">The largest rank among them (<see cref="EvaluateSpec.LastRank"/>).</param>
public sealed record HeldOutMetrics(long Documents, ulong LastRank);
