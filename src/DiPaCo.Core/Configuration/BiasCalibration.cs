namespace DiPaCo.Core.Configuration;

/// <summary>Which distribution over the paths the biases of a discriminative router are trained to match on the training documents.</summary>
public enum BiasCalibration
{
    /// <summary>The mean of the router's probabilities matches the shares of the labels.</summary>
    Expected,

    /// <summary>The shares of documents that it sends to each path match those of the labels (paper §7.2.1).</summary>
    Labels,

    /// <summary>None: the biases stay as the regression has them.</summary>
    None,
}
