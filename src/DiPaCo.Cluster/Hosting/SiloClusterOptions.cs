using System.Net;

namespace DiPaCo.Cluster;

/// <summary>How a training process works as a cluster.</summary>
public sealed record SiloClusterOptions
{
    /// <summary>Where workers reach it; null: it computes alone.</summary>
    public IPEndPoint? Listen { get; init; }

    /// <summary>Name or address of this machine as workers see it; null: the address it listens on.</summary>
    public string? PublicHost { get; init; }

    /// <summary>PEM files of certificate and private key; null: the silo makes its own.</summary>
    public (string Certificate, string Key)? Certificate { get; init; }

    /// <summary>No TLS.</summary>
    public bool Insecure { get; init; }

    /// <summary>Whether this process trains paths as well; otherwise it makes outer steps and folds only, whose inputs lie here.</summary>
    public bool TrainsItself { get; init; } = true;

    /// <summary>Whether only workers whose arithmetic rounds as this process's may take tasks, so that results stay byte-identical.</summary>
    public bool Strict { get; init; } = true;

    /// <summary>How long a lease lasts without a heartbeat.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(15);

    /// <inheritdoc cref="SiloOptions.MaximumNormRatio"/>
    public double MaximumNormRatio { get; init; } = 10;

    /// <summary>How long the invitation that is shown holds.</summary>
    public TimeSpan InvitationLifetime { get; init; } = TimeSpan.FromDays(7);

    /// <summary>How this program is called, for the line that is shown.</summary>
    public string Program { get; init; } = "dipaco";

    /// <summary>Watches the worker of this process.</summary>
    public IWorkerObserver Observer { get; init; } = SilentWorkerObserver.Instance;
}
