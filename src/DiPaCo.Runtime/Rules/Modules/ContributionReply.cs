using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>The answer to a contribution.</summary>
/// <param name="Module">The module.</param>
/// <param name="Phase">The contribution's phase.</param>
/// <param name="Verdict">What became of it.</param>
/// <param name="Reason">Why it was not accepted, for people; null: it was.</param>
public sealed record ContributionReply(ModuleId Module, Phase Phase, ContributionVerdict Verdict, string? Reason = null);
