namespace DiPaCo.Core.Configuration;

/// <summary>What the simulated silos and the store beside them are like.</summary>
public sealed record SimulatedSilo
{
    /// <summary>Megabits per second of the store, all transfers in one direction together.</summary>
    public double Megabits { get; init; } = 10_000;

    /// <summary>Workers beside the store, to which blobs need not travel.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>Floating-point operations per second of each; an outer step is a few for each parameter and contribution, so memory bounds them.</summary>
    public double FlopsPerSecond { get; init; } = 1e10;

    /// <summary>Memory of each, in decimal gigabytes: with less than a path needs to be trained, they make outer steps only.</summary>
    public double MemoryGigabytes { get; init; } = 2;

    /// <summary>Shortest lease, in seconds; heartbeats come four times as often.</summary>
    public double LeaseSeconds { get; init; } = 60;
}
