namespace DiPaCo.Runtime.Tasks;

/// <summary>What scoring under several paths took; that of several tasks adds up but for the documents.</summary>
/// <param name="Documents">Documents.</param>
/// <param name="Tokens">Their tokens behind the prefix.</param>
/// <param name="ModuleEvaluations">How often the parts of a module were computed for each token.</param>
/// <param name="SeparateEvaluations">How often they were if every path were computed alone.</param>
public sealed record ScoreMetrics(long Documents, long Tokens, long ModuleEvaluations, long SeparateEvaluations)
{
    /// <summary>Floating-point operations of the paths, padding included.</summary>
    public double Flops { get; init; }
}
