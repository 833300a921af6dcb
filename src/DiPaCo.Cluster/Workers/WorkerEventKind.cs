namespace DiPaCo.Cluster;

/// <summary>Kinds of things that happen to a worker.</summary>
public enum WorkerEventKind
{
    /// <summary>What the worker found when it looked at itself and at the way to the silo.</summary>
    Checked,

    /// <summary>Something will cost time or work; the text says what and how to mend it.</summary>
    Warned,

    /// <summary>The silo knows the worker now.</summary>
    Registered,

    /// <summary>There is nothing to do; the text says what there is to wait for.</summary>
    Waiting,

    /// <summary>The silo cannot be reached; the text says since when and why.</summary>
    Unreachable,

    /// <summary>A task was leased.</summary>
    Leased,

    /// <summary>A task was delivered.</summary>
    Delivered,

    /// <summary>A task was given back, revoked, or its result not taken.</summary>
    Dropped,
}
