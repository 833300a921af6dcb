namespace DiPaCo.Cli.Progress;

/// <summary>An exponential moving average without the bias of its start.</summary>
/// <param name="share">Weight of the newest value, above 0 and at most 1.</param>
internal struct Smoothed(double share)
{
    private double _sum;
    private double _weight;

    /// <summary>The average; 0 before the first value.</summary>
    public readonly double Value => _weight > 0 ? _sum / _weight : 0;

    /// <summary>Adds a value; anything that is not finite is left out, or the average would never recover.</summary>
    public void Add(double value)
    {
        if (double.IsFinite(value))
        {
            _sum += share * (value - _sum);
            _weight += share * (1 - _weight);
        }
    }
}
