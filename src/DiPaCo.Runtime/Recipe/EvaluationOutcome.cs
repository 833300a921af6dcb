using System.Collections.Immutable;

namespace DiPaCo.Runtime.Recipe;

/// <summary>What a run's evaluation brought.</summary>
/// <param name="Rows">The table.</param>
/// <param name="Router">How the router divides the scored documents.</param>
/// <param name="TokenRouters">The token routers, if any.</param>
internal sealed record EvaluationOutcome(ImmutableArray<EvaluationRow> Rows, RouterQuality Router, ImmutableArray<TrainedTokenRouter> TokenRouters);
