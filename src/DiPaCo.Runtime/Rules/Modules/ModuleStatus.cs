namespace DiPaCo.Runtime.Rules;

/// <summary>What a module does.</summary>
public enum ModuleStatus
{
    /// <summary>It has published the segment's last version, or has no order.</summary>
    Resting,

    /// <summary>It waits for the contributions of its paths.</summary>
    Collecting,

    /// <summary>A group of contributions is being folded; it takes others meanwhile.</summary>
    Folding,

    /// <summary>Its outer step is being computed.</summary>
    Stepping,

    /// <summary>Its outer step, or a fold, was given up.</summary>
    Failed,

    /// <summary>The run is deleted.</summary>
    Deleted,
}
