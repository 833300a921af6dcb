namespace DiPaCo.Cluster;

/// <summary>How a worker works.</summary>
public sealed record WorkerOptions
{
    /// <summary>Tasks held at once: while one is computed, the inputs and outputs of the others travel. Default 2.</summary>
    public int Slots { get; init; } = 2;

    /// <summary>
    /// How long a worker that is asked to leave may take to finish or save what it is at, upload it and give it back; then it goes all the same.
    /// Default: 20 seconds, less than service managers wait before they kill.
    /// </summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Longest pause between two attempts to reach the silo; the first is a tenth of a second, each next twice as long.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the silo may be out of reach before the worker gives up with an error that says so. Default: an hour.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromHours(1);

    /// <summary>
    /// How often the state of a task under way is kept in the worker's cache, at most; more seldom where that would cost more than
    /// <see cref="CheckpointShare"/> of the time. Zero: never. Default: five seconds.
    /// </summary>
    public TimeSpan CheckpointEvery { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Largest part of a worker's time that keeping states may cost. Default: a fiftieth.</summary>
    public double CheckpointShare { get; init; } = 0.02;
}
