namespace DiPaCo.Runtime.Rules;

/// <summary>What a worker offers when it registers.</summary>
/// <param name="Worker">Its name.</param>
/// <param name="Incarnation">Grows with each start of the worker: a new one ends the leases of the one before at once.</param>
/// <param name="Device">What it computes on, for people.</param>
/// <param name="MemoryBytes">Memory that a task may use.</param>
/// <param name="FlopsPerSecond">Rate that it measured when it started, for people; what is expected of it is measured on tasks.</param>
/// <param name="Fingerprint">Its numerics fingerprint.</param>
/// <param name="Slots">Leases that it may hold at once: one that it computes, others whose inputs and outputs travel meanwhile.</param>
/// <param name="HasStore">Whether it reads blobs where they lie: all inputs of every task are there.</param>
/// <param name="OuterOnly">Whether it takes outer steps and folds only (<see cref="TaskDemand.Beside"/>).</param>
public sealed record WorkerCapabilities(
    WorkerId Worker, long Incarnation, string Device, long MemoryBytes, double FlopsPerSecond, string Fingerprint, int Slots = 1,
    bool HasStore = false, bool OuterOnly = false)
{
    /// <summary>Whether outer steps are left to it as long as it is there: elsewhere all contributions would have to travel first.</summary>
    public bool IsForOuterSteps => HasStore || OuterOnly;
}
