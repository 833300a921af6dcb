namespace DiPaCo.Cluster;

/// <summary>What is kept of a run beside its journal.</summary>
[GenerateSerializer]
[Alias("dipaco.run-memory")]
public sealed record RunMemory
{
    /// <summary>Where it stands.</summary>
    [Id(0)]
    public RunLife Life { get; init; }

    /// <summary>Grows with each change of <see cref="Life"/>: who hears an earlier one later ignores it.</summary>
    [Id(1)]
    public long Number { get; init; }

    /// <summary>Since when.</summary>
    [Id(2)]
    public DateTimeOffset Since { get; init; }

    /// <summary>The configuration as canonical JSON.</summary>
    [Id(3)]
    public string Configuration { get; init; } = "";

    /// <summary>The configuration for people.</summary>
    [Id(4)]
    public string ConfigurationYaml { get; init; } = "";

    /// <summary>Whether all its tasks are computed by workers that round alike.</summary>
    [Id(5)]
    public bool Strict { get; init; } = true;

    /// <summary>Why it failed; empty: it did not.</summary>
    [Id(6)]
    public string Failure { get; init; } = "";

    /// <summary>The model's digest, once it is finished.</summary>
    [Id(7)]
    public string ModelDigest { get; init; } = "";

    /// <summary>How often the run has begun, or begun again after it had failed: the end of an earlier beginning is not this one's.</summary>
    [Id(8)]
    public long Beginning { get; init; }
}
