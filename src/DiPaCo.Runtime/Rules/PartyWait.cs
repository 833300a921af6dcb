namespace DiPaCo.Runtime.Rules;

/// <summary>What a path, a module or a run waits on, for people.</summary>
/// <param name="Text">What.</param>
/// <param name="Since">Since when.</param>
public sealed record PartyWait(string Text, DateTimeOffset Since);
