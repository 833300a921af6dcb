namespace DiPaCo.Runtime.Rules;

/// <summary>What a run wants of its tasks.</summary>
public enum RunDemand
{
    /// <summary>Compute them.</summary>
    Wanted,

    /// <summary>Keep them, but lease none; who computes one hands it back.</summary>
    Paused,

    /// <summary>Forget them, and take no more.</summary>
    Ended,
}
