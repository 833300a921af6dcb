namespace DiPaCo.Runtime.Experiments;

/// <summary>Validation perplexity at a point of a run.</summary>
/// <param name="Steps">Optimizer steps of one path until then, base stage included.</param>
/// <param name="Flops">Training and routing FLOPs of all paths until then.</param>
/// <param name="Perplexity">Perplexity on validation documents.</param>
public sealed record CurvePoint(double Steps, double Flops, double Perplexity);
