namespace DiPaCo.Runtime.Simulations;

/// <summary>What a worker's time went into.</summary>
internal sealed class WorkerTimes
{
    public TimeSpan Computing { get; set; }

    /// <summary>Not computing, because inputs were still on their way.</summary>
    public TimeSpan Downloading { get; set; }

    /// <summary>Not computing, because outputs were on their way and it held all the leases that it may.</summary>
    public TimeSpan Uploading { get; set; }

    /// <summary>Without a task.</summary>
    public TimeSpan Idle { get; set; }

    public TimeSpan Away { get; set; }
}
