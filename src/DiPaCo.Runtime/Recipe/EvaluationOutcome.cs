using System.Collections.Immutable;

namespace DiPaCo.Runtime.Recipe;

/// <summary>What a run's evaluation brought.</summary>
/// <param name="Rows">The table.</param>
/// <param name="Router">How the router divides the scored documents.</param>
/// <param name="TokenRouter">The token router; null where there is none.</param>
internal sealed record EvaluationOutcome(ImmutableArray<EvaluationRow> Rows, RouterQuality Router, TrainedTokenRouter? TokenRouter);
