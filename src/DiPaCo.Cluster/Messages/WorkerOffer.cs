namespace DiPaCo.Cluster;

/// <summary>Who a worker is and what it can do.</summary>
/// <param name="Worker">Its name, the same each time it comes back.</param>
/// <param name="Incarnation">Grows each time it starts; a new one ends the leases of the one before.</param>
/// <param name="Version">Version of the program; only equal ones work together.</param>
/// <param name="Device">What it computes on, for people.</param>
/// <param name="MemoryBytes">Memory that a task may use.</param>
/// <param name="FlopsPerSecond">Measured rate of matrix products.</param>
/// <param name="Fingerprint">Hash of a small training step: workers with equal ones compute equal bytes.</param>
/// <param name="Slots">Tasks that it wants to hold at once: one that it computes, others whose inputs and outputs travel meanwhile.</param>
/// <param name="HasStore">Whether it reads blobs where they lie: nothing has to travel to it.</param>
/// <param name="OuterOnly">Whether it wants outer steps and folds only: a worker beside the store, which trains no path.</param>
[GenerateSerializer]
public sealed record WorkerOffer(
    string Worker, long Incarnation, string Version, string Device, long MemoryBytes, double FlopsPerSecond, string Fingerprint, int Slots,
    bool HasStore = false, bool OuterOnly = false);
