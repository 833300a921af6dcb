using System.Net;
using DiPaCo.Serving.Inference;

namespace DiPaCo.Serving.Http;

/// <summary>How a model is served.</summary>
public sealed record ServingOptions
{
    /// <summary>Where to listen. Default: this machine only, port 7460.</summary>
    public IPEndPoint Listen { get; init; } = new(IPAddress.Loopback, 7460);

    /// <summary>File of keys (<see cref="ApiKeys"/>); null: everyone who reaches the address is served.</summary>
    public string? KeyFile { get; init; }

    /// <summary>Certificate and private key, PEM files; null: no TLS.</summary>
    public (string Certificate, string Key)? Certificate { get; init; }

    /// <summary>Whether other machines may connect without TLS or without keys.</summary>
    public bool Insecure { get; init; }

    /// <summary>How weights are stored; null: as the run trained.</summary>
    public WeightType? Weights { get; init; }

    /// <summary>Most bytes of weights in memory. Default: half of the machine's memory.</summary>
    public long WeightBytes { get; init; } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;

    /// <summary>Most bytes of keys and values. Default: an eighth of the machine's memory.</summary>
    public long CacheBytes { get; init; } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 8;

    /// <summary>Threads that compute. Default: all processors.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Sequences computed side by side. Default 64.</summary>
    public int MaxSequences { get; init; } = 64;

    /// <summary>Sequences that wait; further ones are turned away with 429. Default 256.</summary>
    public int MaxQueue { get; init; } = 256;

    /// <summary>How often the folder is looked at for a new version. Default 5 seconds.</summary>
    public TimeSpan Refresh { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Where modules of new versions are read; null: on a thread that has the processor only while nobody else wants it.</summary>
    internal TaskScheduler? Idle { get; init; }

    /// <summary>What one request may ask for.</summary>
    public ServingLimits Limits { get; init; } = new();
}
