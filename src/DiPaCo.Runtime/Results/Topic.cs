namespace DiPaCo.Runtime;

/// <summary>A token that tells a shard from the others.</summary>
/// <param name="Token">Its text.</param>
/// <param name="Score">Log-odds of the token in this shard against all others, in standard deviations.</param>
/// <param name="Count">How often it occurs in the shard.</param>
public sealed record Topic(string Token, double Score, long Count);
