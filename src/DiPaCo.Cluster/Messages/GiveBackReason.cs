namespace DiPaCo.Cluster;

/// <summary>Why a worker gives a task back.</summary>
public enum GiveBackReason
{
    /// <summary>The worker leaves, has made its share of the steps, or was told to stop; the task is as good as before.</summary>
    Leaving,

    /// <summary>It failed here, for example for want of disk or of a blob; elsewhere it may succeed.</summary>
    Failed,

    /// <summary>A number stopped being finite, which it does on every worker, unless this one's memory is at fault.</summary>
    NonFinite,

    /// <summary>The task itself is impossible, on every worker.</summary>
    Impossible,

    /// <summary>Something that nobody has foreseen; perhaps a bug.</summary>
    Unexpected,
}
