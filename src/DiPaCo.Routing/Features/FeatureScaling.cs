namespace DiPaCo.Routing;

/// <summary>What is done to features before distances are taken.</summary>
public enum FeatureScaling
{
    /// <summary>
    /// The training mean is subtracted, nothing else: Euclidean distances of the raw features.
    /// A translation moves no boundary between clusters; it only keeps the arithmetic precise.
    /// </summary>
    Center,

    /// <summary>
    /// The training mean is subtracted and each dimension divided by its standard deviation. A few dimensions of a
    /// transformer's hidden states are far larger than the others and carry little about the topic; unscaled, they alone
    /// would decide the distance.
    /// </summary>
    Standardize,
}
