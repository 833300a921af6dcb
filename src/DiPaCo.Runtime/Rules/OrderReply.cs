namespace DiPaCo.Runtime.Rules;

/// <summary>The answer to an order.</summary>
/// <param name="Number">Number of the order that was answered.</param>
/// <param name="Verdict">What became of it.</param>
/// <param name="Reason">Why it was not taken, for people; null: it was.</param>
public sealed record OrderReply(long Number, OrderVerdict Verdict, string? Reason = null);
