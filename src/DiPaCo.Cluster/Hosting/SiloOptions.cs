using System.Net;

namespace DiPaCo.Cluster;

/// <summary>How a silo is reached and where it keeps its state.</summary>
public sealed record SiloOptions
{
    /// <summary>Folder of its own: tokens, certificate, and without a database the state of its grains.</summary>
    public required string StateFolder { get; init; }

    /// <summary>Where workers reach it; null: nowhere, the silo is only for this process. Port 0: any that is free.</summary>
    public IPEndPoint? Listen { get; init; }

    /// <summary>Name or address of this machine as others reach it; null: the address that it listens on.</summary>
    public string? PublicHost { get; init; }

    /// <summary>Connection string of a PostgreSQL database that all silos share; null: this silo stands alone.</summary>
    public string? Database { get; init; }

    /// <summary>PEM files of certificate and private key; null: the silo makes its own.</summary>
    public (string Certificate, string Key)? Certificate { get; init; }

    /// <summary>No TLS. For networks in which nobody else is.</summary>
    public bool Insecure { get; init; }

    /// <summary>How long a lease lasts without a heartbeat. Two seconds at least.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// How many times the median of the other paths a path may move a module in a phase before its result is asked for again from another
    /// worker. Default 10; 0: however far.
    /// </summary>
    public double MaximumNormRatio { get; init; } = 10;

    /// <summary>Memory that the largest task of the runs is planned to need, which workers are told before there is one; 0: not known.</summary>
    public long LargestTaskBytes { get; init; }

    /// <summary>Address under which other silos reach this one; only with a database.</summary>
    public IPAddress SiloAddress { get; init; } = IPAddress.Loopback;

    /// <summary>Port for other silos; 0: any that is free.</summary>
    public int SiloPort { get; init; }

    /// <summary>Name under which people see it; empty: Orleans' own.</summary>
    public string Name { get; init; } = "";

    /// <summary>How long a blob that no run of the cluster names is kept; only with a database. Default: an hour, far longer than a task's outputs wait for their record.</summary>
    public TimeSpan CollectAfter { get; init; } = TimeSpan.FromHours(1);
}
