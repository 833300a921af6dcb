namespace DiPaCo.Runtime.Tests.Experiments;

/// <summary>Lines of an evaluation with made-up numbers.</summary>
internal static class ExperimentRows
{
    public static EvaluationRow Of(ModelKind kind, string model, double perplexity, int paths = 1) => new()
    {
        Kind = kind, Model = model, Paths = paths, ParametersPerPath = 1, ParametersTotal = 1, Steps = 1, TrainingTokens = 1, TrainingFlops = 1,
        Perplexity = perplexity, PerplexityWithPrefix = perplexity, BitsPerByte = 1, ScoredTokens = 1,
    };
}
