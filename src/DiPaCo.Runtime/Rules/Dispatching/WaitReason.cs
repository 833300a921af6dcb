namespace DiPaCo.Runtime.Rules;

/// <summary>What somebody waits on, and since when.</summary>
/// <param name="Cause">What kind of thing.</param>
/// <param name="Text">The same with its values, for people.</param>
/// <param name="Since">Since when.</param>
public sealed record WaitReason(WaitCause Cause, string Text, DateTimeOffset Since);
