namespace DiPaCo.Training;

/// <summary>The constants of one module's outer step.</summary>
/// <param name="LearningRate">η.</param>
/// <param name="Momentum">μ.</param>
/// <param name="Scale">Factor s on the averaged outer gradient (<see cref="OuterWeighting.Scale"/>).</param>
public readonly record struct OuterStepOptions(double LearningRate, double Momentum, double Scale);
