namespace DiPaCo.Core.Configuration;

/// <summary>Factor on the averaged outer gradient of a module with P paths (paper §2.7).</summary>
public enum OuterRescaling
{
    /// <summary>1.</summary>
    None,

    /// <summary>√P.</summary>
    SquareRoot,

    /// <summary>√(P / max P): the module with the most paths keeps its step.</summary>
    Relative,
}
