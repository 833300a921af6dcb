namespace DiPaCo.Core;

/// <summary>The feed-forward part of a block.</summary>
public enum Activation
{
    /// <summary>down(silu(gate(x)) · up(x)): three matrices.</summary>
    SwiGlu,

    /// <summary>down(gelu(up(x))): two matrices, the tanh approximation.</summary>
    Gelu,
}
