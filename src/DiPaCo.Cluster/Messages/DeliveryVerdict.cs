namespace DiPaCo.Cluster;

/// <summary>What became of a delivered result.</summary>
public enum DeliveryVerdict
{
    /// <summary>It is the task's result.</summary>
    Taken,

    /// <summary>The same bytes were there before.</summary>
    Known,

    /// <summary>Other bytes were there before; these are dropped, and both digests shown.</summary>
    Contradiction,

    /// <summary>Nobody waits for this task.</summary>
    NotWanted,

    /// <summary>It is not a valid result; the task runs again elsewhere.</summary>
    Refused,
}
