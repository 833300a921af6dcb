namespace DiPaCo.Cluster;

/// <summary>Where a run of a cluster stands. Stored: a value is never changed or used again.</summary>
public enum RunLife
{
    /// <summary>There is none of that name.</summary>
    None = 0,

    /// <summary>It is computed, by whichever silo hosts it.</summary>
    Running = 1,

    /// <summary>It keeps what it has and computes nothing.</summary>
    Paused = 2,

    /// <summary>It is at its end.</summary>
    Finished = 3,

    /// <summary>It cannot go on; once the cause is gone it can be resumed.</summary>
    Failed = 4,

    /// <summary>It is gone; its name may be used again.</summary>
    Deleted = 5,
}
