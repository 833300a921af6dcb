namespace DiPaCo.Cluster.Blobs;

/// <summary>Where an S3-compatible store is.</summary>
public sealed record S3StoreOptions
{
    /// <summary>The bucket, which has to exist.</summary>
    public required string Bucket { get; init; }

    /// <summary>What the names of the objects begin with, for example <c>runs/</c>; empty for none.</summary>
    public string Prefix { get; init; } = string.Empty;

    /// <summary>The endpoint of a store that is not Amazon's, for example <c>https://minio.example:9000</c>; null for Amazon's.</summary>
    public Uri? ServiceUrl { get; init; }

    /// <summary>The region.</summary>
    public string Region { get; init; } = "us-east-1";

    /// <summary>The key; null to look where Amazon's tools look (environment, profile, the machine's role).</summary>
    public string? AccessKey { get; init; }

    /// <summary>The key's secret.</summary>
    public string? SecretKey { get; init; }

    /// <summary>Blobs above this size are uploaded in parts of this size; default 64 MiB, at least 5 MiB.</summary>
    public long PartBytes { get; init; } = 64L << 20;

    /// <summary>Blobs above this size are copied in parts of this size where they are renewed; default 5 GiB, which is the most that S3 copies in one go. At least 5 MiB.</summary>
    public long LargestCopyBytes { get; init; } = 5L << 30;
}
