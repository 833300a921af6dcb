using DiPaCo.Runtime;

namespace DiPaCo.Cli.Report;

/// <summary>What a report is made from.</summary>
/// <param name="Results">The content of <c>results.json</c>.</param>
/// <param name="Steps">The content of <c>metrics.jsonl</c>.</param>
internal sealed record ReportData(RunResults Results, IReadOnlyList<StepMetric> Steps)
{
    /// <summary>The row that the run is about: the one with the most paths.</summary>
    public EvaluationRow? Routed => Results.Evaluation.MaxBy(row => row.Paths);

    /// <summary>The dense model that it is compared with first; null when there is none.</summary>
    public EvaluationRow? Dense => Results.Evaluation.FirstOrDefault(row => row.Paths == 1 && row != Routed);
}
