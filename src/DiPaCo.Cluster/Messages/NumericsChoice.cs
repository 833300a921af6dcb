namespace DiPaCo.Cluster;

/// <summary>How workers round.</summary>
/// <param name="Fingerprint">Their numerics fingerprint in the compute type that was asked for.</param>
/// <param name="Device">The kind of device, <c>cpu</c> or <c>cuda</c>.</param>
[GenerateSerializer]
[Immutable]
public sealed record NumericsChoice(string Fingerprint, string Device);
