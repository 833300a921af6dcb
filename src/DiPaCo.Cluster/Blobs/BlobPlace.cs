using Amazon.S3;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cluster.Blobs;

/// <summary>A store of blobs by what a user calls it: a folder, <c>s3://bucket/prefix</c>, or <c>azure://container/prefix</c>. Secrets are never part of it.</summary>
public sealed class BlobPlace : IDisposable
{
    private const string S3 = "s3://";
    private const string Azure = "azure://";
    private const string AzureConnection = "AZURE_STORAGE_CONNECTION_STRING";
    private const string S3Endpoint = "AWS_ENDPOINT_URL_S3";
    private const string S3Region = "AWS_REGION";

    private readonly IDisposable[] _owned;

    private BlobPlace(IBlobStore store, params IDisposable[] owned)
    {
        Store = store;
        _owned = owned;
    }

    /// <summary>The store.</summary>
    public IBlobStore Store { get; }

    /// <summary>Opens a store.</summary>
    /// <param name="place">What the user calls it.</param>
    /// <param name="cacheFolder">For local copies of what is in a remote one.</param>
    /// <param name="cacheBytes">Their largest size.</param>
    /// <param name="time">The clock of deadlines.</param>
    /// <param name="cancellationToken">Ends the opening.</param>
    /// <exception cref="DiPaCoException">The name is none, or what belongs to it is missing.</exception>
    public static async Task<BlobPlace> OpenAsync(string place, string cacheFolder, long cacheBytes, TimeProvider time, CancellationToken cancellationToken)
    {
        if (place.StartsWith(S3, StringComparison.Ordinal))
        {
            (string bucket, string prefix) = Split(place, S3);
            S3StoreOptions options = new()
            {
                Bucket = bucket,
                Prefix = prefix,
                ServiceUrl = Environment.GetEnvironmentVariable(S3Endpoint) is { Length: > 0 } url ? Endpoint(url) : null,
                Region = Environment.GetEnvironmentVariable(S3Region) is { Length: > 0 } region ? region : "us-east-1",
            };
            AmazonS3Client client = S3BlobStore.CreateClient(options);
            BlobCache cache = await BlobCache.OpenAsync(cacheFolder, cacheBytes, time, cancellationToken);
            return new BlobPlace(new S3BlobStore(client, options, cache, new RemoteBlobOptions(), time), cache, client);
        }

        if (place.StartsWith(Azure, StringComparison.Ordinal))
        {
            (string container, string prefix) = Split(place, Azure);
            string connection = Environment.GetEnvironmentVariable(AzureConnection) is { Length: > 0 } found ? found : throw new DiPaCoException(
                $"'{place}' needs the storage account's connection string in the environment variable {AzureConnection}, which is not set.");
            BlobCache cache = await BlobCache.OpenAsync(cacheFolder, cacheBytes, time, cancellationToken);
            try
            {
                return new BlobPlace(new AzureBlobStore(AzureBlobStore.CreateClient(connection, container), prefix, cache, new RemoteBlobOptions(), time), cache);
            }
            catch (FormatException)
            {
                cache.Dispose();
                throw new DiPaCoException($"{AzureConnection} is not a connection string; the one that the portal shows for the account was expected.");
            }
        }

        return place.Contains("://", StringComparison.Ordinal)
            ? throw new DiPaCoException($"'{place}' is no store of blobs; a folder, '{S3}bucket/prefix' or '{Azure}container/prefix' was expected.")
            : new BlobPlace(new FolderBlobStore(place, time: time));
    }

    /// <summary>Closes connections and local copies.</summary>
    public void Dispose() => Array.ForEach(_owned, owned => owned.Dispose());

    private static (string First, string Prefix) Split(string place, string scheme)
    {
        string rest = place[scheme.Length..];
        int slash = rest.IndexOf('/', StringComparison.Ordinal);
        string first = slash < 0 ? rest : rest[..slash], prefix = slash < 0 ? "" : rest[(slash + 1)..].Trim('/');
        return first.Length == 0
            ? throw new DiPaCoException($"'{place}' names no bucket or container; '{scheme}name/prefix' was expected.")
            : (first, prefix.Length > 0 ? prefix + "/" : "");
    }

    private static Uri Endpoint(string url) => Uri.TryCreate(url, UriKind.Absolute, out Uri? parsed) && parsed.Scheme is "http" or "https"
        ? parsed!
        : throw new DiPaCoException($"{S3Endpoint} is '{url}'; an address with http or https was expected.");
}
