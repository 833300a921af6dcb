namespace DiPaCo.Routing;

/// <summary>What a logistic regression learns from.</summary>
/// <param name="Features">n × d, after the router's preprocessing.</param>
/// <param name="Classes">The class of each row, 0 to K − 1.</param>
/// <param name="Weights">What each row weighs: not negative, not all 0.</param>
internal sealed record LogisticRows(IFeatureSource Features, int[] Classes, double[] Weights)
{
    /// <summary>Number of rows n.</summary>
    public int Count => Classes.Length;

    /// <summary>Some of the rows.</summary>
    public LogisticRows Select(int[] rows) => new(
        new SelectedFeatures(Features, rows), [.. rows.Select(row => Classes[row])], [.. rows.Select(row => Weights[row])]);
}
