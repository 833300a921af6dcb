namespace DiPaCo.Runtime;

/// <summary>What workers that round alike have computed of a run that took others as well.</summary>
/// <param name="Fingerprint">Their numerics fingerprint.</param>
/// <param name="Kind">A kind of task.</param>
/// <param name="Tasks">How many of that kind.</param>
public sealed record NumericsShare(string Fingerprint, string Kind, int Tasks);
