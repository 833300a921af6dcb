namespace DiPaCo.Runtime.Tasks;

/// <summary>What scoring under candidates took; that of the tasks of all branches adds up but for the documents.</summary>
/// <param name="Documents">Documents that have a candidate among the task's paths.</param>
/// <param name="Candidates">Their candidates there, together.</param>
/// <param name="ModuleEvaluations">How often the parts of a module were computed for a sequence.</param>
/// <param name="SeparateEvaluations">How often they were if every candidate were computed alone.</param>
public sealed record CandidateMetrics(long Documents, long Candidates, long ModuleEvaluations, long SeparateEvaluations)
{
    /// <summary>Floating-point operations of the paths, padding included.</summary>
    public double Flops { get; init; }
}
