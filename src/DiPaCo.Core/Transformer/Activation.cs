using System.Text.Json.Serialization;

namespace DiPaCo.Core;

/// <summary>The feed-forward part of a block.</summary>
public enum Activation
{
    /// <summary>down(silu(gate(x)) · up(x)): three matrices.</summary>
    [JsonStringEnumMemberName("swiglu")]
    SwiGlu,

    /// <summary>down(gelu(up(x))): two matrices, the tanh approximation.</summary>
    Gelu,
}
