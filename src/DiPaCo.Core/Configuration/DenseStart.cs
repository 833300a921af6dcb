namespace DiPaCo.Core.Configuration;

/// <summary>Where the dense baselines start.</summary>
public enum DenseStart
{
    /// <summary>From the base model, with the paths' own restarted schedule.</summary>
    Fork,

    /// <summary>From scratch, one warm-up and one cosine over all steps.</summary>
    Scratch,
}
