namespace DiPaCo.Benchmarks;

/// <summary>An operation of a step.</summary>
/// <param name="Name">What it is; of a product, with the size of the weight.</param>
/// <param name="Start">When it began, in seconds.</param>
/// <param name="End">When it ended.</param>
/// <param name="Flops">Of a product of a linear layer, its floating-point operations; otherwise 0.</param>
internal readonly record struct TimedCall(string Name, double Start, double End, double Flops);
