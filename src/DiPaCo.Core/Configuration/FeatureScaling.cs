namespace DiPaCo.Core.Configuration;

/// <summary>What is done to features before distances are taken.</summary>
public enum FeatureScaling
{
    /// <summary>
    /// The training mean is subtracted and each dimension divided by its standard deviation. A few dimensions of a
    /// transformer's hidden states are far larger than the others and carry little about the topic; unscaled, they alone
    /// would decide the distance.
    /// </summary>
    Standardized,

    /// <summary>
    /// The features as they are, as in the paper (§2.4.1). The training mean is subtracted, which moves no boundary between
    /// clusters; it only keeps the arithmetic precise.
    /// </summary>
    None,
}
