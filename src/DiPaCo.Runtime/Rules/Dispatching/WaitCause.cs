namespace DiPaCo.Runtime.Rules;

/// <summary>What somebody waits on.</summary>
public enum WaitCause
{
    /// <summary>There is no task.</summary>
    NoTask,

    /// <summary>Others compute all tasks.</summary>
    AllLeased,

    /// <summary>Tasks need more memory than the worker has.</summary>
    Memory,

    /// <summary>Tasks need another numerics fingerprint.</summary>
    Fingerprint,

    /// <summary>The worker makes outer steps only.</summary>
    OuterOnly,

    /// <summary>The run is paused.</summary>
    RunPaused,

    /// <summary>A pause after a failed attempt.</summary>
    BackOff,

    /// <summary>Tasks failed on this worker and are left to others.</summary>
    FailedHere,

    /// <summary>Faster workers will be done with the rest sooner.</summary>
    TooSlow,

    /// <summary>This worker has something to do, and others have not, or will be free before it: the task would only be fetched ahead here.</summary>
    OthersAreSooner,

    /// <summary>The task would be computed beside what this worker holds, and the memory does not suffice for both: it is computed after it.</summary>
    MemoryBeside,

    /// <summary>Another worker is free and has more of the task's inputs.</summary>
    InputsElsewhere,

    /// <summary>The worker holds as many leases as it may.</summary>
    SlotsFull,

    /// <summary>The worker is quarantined.</summary>
    Quarantined,

    /// <summary>Every worker that fits is busy.</summary>
    WorkersBusy,

    /// <summary>There is no worker.</summary>
    NoWorker,

    /// <summary>The request is older than one that was answered.</summary>
    Stale,

    /// <summary>A worker computes it.</summary>
    Computing,

    /// <summary>Its owner has not acknowledged the end.</summary>
    Acknowledgement,
}
