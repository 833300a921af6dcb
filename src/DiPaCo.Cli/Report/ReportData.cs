using DiPaCo.Runtime;

namespace DiPaCo.Cli.Report;

/// <summary>What a report is made from.</summary>
/// <param name="Results">The content of <c>results.json</c>.</param>
/// <param name="Steps">The content of <c>metrics.jsonl</c>.</param>
internal sealed record ReportData(RunResults Results, IReadOnlyList<StepMetric> Steps)
{
    /// <summary>The row of a model; null where the run has none of its kind.</summary>
    public EvaluationRow? RowOf(ModelKind kind) => Results.Evaluation.FirstOrDefault(row => row.Kind == kind);
}
