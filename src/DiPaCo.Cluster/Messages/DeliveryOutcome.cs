using DiPaCo.Runtime.Rules;

namespace DiPaCo.Cluster;

/// <summary>What a worker is told of its result.</summary>
/// <param name="Verdict">What became of it.</param>
/// <param name="Reason">Why, for people; empty when it was taken.</param>
[GenerateSerializer]
public sealed record DeliveryOutcome(CompletionVerdict Verdict, string Reason);
