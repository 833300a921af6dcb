namespace DiPaCo.Runtime.Rules;

/// <summary>What a path does.</summary>
public enum PathStatus
{
    /// <summary>It has made its last phase of the segment, or has no order.</summary>
    Resting,

    /// <summary>It waits for its modules to reach the version that its phase starts from.</summary>
    WaitingForModules,

    /// <summary>Its inner steps are being computed.</summary>
    Training,

    /// <summary>Its modules have not all acknowledged what it brought.</summary>
    Delivering,

    /// <summary>It cannot go on without help.</summary>
    Failed,

    /// <summary>The run is deleted.</summary>
    Deleted,
}
