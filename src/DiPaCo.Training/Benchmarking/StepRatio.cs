using DiPaCo.Core.Configuration;

namespace DiPaCo.Training.Benchmarking;

/// <summary>How near a training step comes to the machine's rate of matrix products.</summary>
/// <param name="Parameters">Of the path.</param>
/// <param name="Type">Type of the products.</param>
/// <param name="Tokens">Of a step.</param>
/// <param name="Length">Of a sequence.</param>
/// <param name="Ratio">Median over pairs, taken in turn, of the step's rate over that of products for as long.</param>
/// <param name="Best">Best step over the best of those products.</param>
/// <param name="StepRate">Best step, in FLOP/s.</param>
/// <param name="ProductRate">Best rate of products for the time of a step, in FLOP/s.</param>
public sealed record StepRatio(long Parameters, ComputeType Type, int Tokens, int Length, double Ratio, double Best, double StepRate, double ProductRate);
