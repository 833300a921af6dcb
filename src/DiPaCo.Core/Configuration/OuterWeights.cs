namespace DiPaCo.Core.Configuration;

/// <summary>Weights of the paths through a module; always normalised over these paths.</summary>
public enum OuterWeights
{
    /// <summary>Proportional to the shard's size in scored tokens (paper Eq. 2–3).</summary>
    ShardSize,

    /// <summary>Equal: 1 / P_{l,e} (paper Algorithm 1).</summary>
    Uniform,
}
