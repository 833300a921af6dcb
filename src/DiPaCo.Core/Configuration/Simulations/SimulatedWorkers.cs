namespace DiPaCo.Core.Configuration;

/// <summary>What simulated workers are like.</summary>
public sealed record SimulatedWorkers
{
    /// <summary>Floating-point operations per second of the median worker while it trains.</summary>
    public double FlopsPerSecond { get; init; } = 1e14;

    /// <summary>Standard deviation of the logarithm of the workers' speeds; 0: all are equal.</summary>
    public double SpeedSpread { get; init; } = 0.2;

    /// <summary>Memory that a task may use, in decimal gigabytes.</summary>
    public double MemoryGigabytes { get; init; } = 64;

    /// <summary>Room for blobs that were read, in decimal gigabytes.</summary>
    public double CacheGigabytes { get; init; } = 50;

    /// <summary>Megabits per second towards the worker.</summary>
    public double DownloadMegabits { get; init; } = 100;

    /// <summary>Megabits per second from the worker.</summary>
    public double UploadMegabits { get; init; } = 100;

    /// <summary>Milliseconds before the first byte of a transfer, and of an answer.</summary>
    public double LatencyMilliseconds { get; init; } = 50;

    /// <summary>Mean hours between two sudden ends of a worker; 0: there are none.</summary>
    public double HoursBetweenFailures { get; init; }

    /// <summary>Mean minutes until a worker that ended suddenly is back.</summary>
    public double MinutesAway { get; init; } = 10;

    /// <summary>Hours of each day in which a worker works, in one piece, each worker at its own time of the day; it leaves in good order.</summary>
    public double HoursADay { get; init; } = 24;

    /// <summary>Minutes that a worker has to hand over what it has made when it leaves in good order.</summary>
    public double GraceMinutes { get; init; } = 2;
}
