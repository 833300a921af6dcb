using DiPaCo.Core.Configuration;

namespace DiPaCo.Training.Benchmarking;

/// <summary>How near a training step comes to the machine's rate of matrix products.</summary>
/// <param name="Parameters">Of the path.</param>
/// <param name="Type">Type of the products.</param>
/// <param name="Tokens">Of a step.</param>
/// <param name="Length">Of a sequence.</param>
/// <param name="Ratio">Best step over best product.</param>
/// <param name="Median">Median over pairs taken in turn.</param>
/// <param name="ProductRate">Best product, in FLOP/s.</param>
public sealed record StepRatio(long Parameters, ComputeType Type, int Tokens, int Length, double Ratio, double Median, double ProductRate);
