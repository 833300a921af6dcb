namespace DiPaCo.Training;

/// <summary>
/// Linear warm-up, then a cosine down to a share of the peak (paper §4.1). A stage has one schedule over all its steps;
/// the paths start a new one at the fork.
/// </summary>
/// <param name="Peak">Highest learning rate.</param>
/// <param name="WarmupSteps">Steps until the peak is reached.</param>
/// <param name="TotalSteps">Steps of the whole stage.</param>
/// <param name="FinalShare">Last learning rate as a share of the peak.</param>
public sealed record LearningRateSchedule(double Peak, int WarmupSteps, int TotalSteps, double FinalShare)
{
    /// <summary>The learning rate of a step, counted from 0 within the stage.</summary>
    public double At(int step)
    {
        if (step < WarmupSteps)
        {
            return Peak * (step + 1) / WarmupSteps;
        }

        double progress = Math.Min(1.0, (step - WarmupSteps + 1.0) / Math.Max(1, TotalSteps - WarmupSteps));
        double cosine = 0.5 * (1 + Math.Cos(Math.PI * progress));
        return Peak * (FinalShare + ((1 - FinalShare) * cosine));
    }
}
