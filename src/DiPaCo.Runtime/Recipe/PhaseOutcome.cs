using System.Collections.Immutable;
using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>What a phase brought.</summary>
/// <param name="Model">The next version of the model.</param>
/// <param name="Training">What all paths trained.</param>
/// <param name="OuterGradients">Of the modules that made an outer step.</param>
internal sealed record PhaseOutcome(ModelVersion Model, TrainMetrics Training, ImmutableArray<OuterGradient> OuterGradients)
{
    /// <summary>What the paths have consumed; null where paths do not train on their own.</summary>
    public PhaseLedger? Ledger { get; init; }

    /// <summary>The same, path by path.</summary>
    public ImmutableArray<PathConsumption>? Consumed { get; init; }
}
