using System.Net.Http.Headers;
using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Sas;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using BlobInfo = DiPaCo.Runtime.Storage.BlobInfo;

namespace DiPaCo.Cluster.Blobs;

/// <summary>Blobs in a container of Azure Blob Storage.</summary>
public sealed class AzureBlobStore : RemoteBlobStore, IPresignedBlobs
{
    private const int PageLength = 5000;

    private readonly BlobContainerClient _container;
    private readonly ObjectNames _names;

    /// <summary>Uses a container, which has to exist.</summary>
    /// <param name="container">As of <see cref="CreateClient"/>.</param>
    /// <param name="prefix">What the names of the objects begin with, for example <c>runs/</c>; empty for none.</param>
    /// <param name="cache">Where downloads go.</param>
    /// <param name="options">Limits and patience.</param>
    /// <param name="time">The clock of pauses and deadlines.</param>
    public AzureBlobStore(BlobContainerClient container, string prefix, BlobCache cache, RemoteBlobOptions options, TimeProvider? time = null)
        : base(cache, options, time)
    {
        _container = container;
        _names = new ObjectNames(prefix);
    }

    // Without the query, which may be a signature.
    /// <inheritdoc/>
    protected override string Place => $"{_container.Uri.GetLeftPart(UriPartial.Path)}/{_names.Prefix}";

    /// <summary>A client that leaves repeating and patience to the store.</summary>
    /// <param name="connectionString">Account and key, as the portal shows it.</param>
    /// <param name="container">The container's name.</param>
    public static BlobContainerClient CreateClient(string connectionString, string container)
    {
        var options = new BlobClientOptions();
        options.Retry.MaxRetries = 0;
        options.Retry.NetworkTimeout = Timeout.InfiniteTimeSpan;
        return new BlobContainerClient(connectionString, container, options);
    }

    /// <inheritdoc/>
    public Task<Uri?> PresignAsync(BlobHash hash, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        BlobClient blob = ClientOf(hash);
        return Task.FromResult(blob.CanGenerateSasUri ? blob.GenerateSasUri(BlobSasPermissions.Read, TimeProvider.System.GetUtcNow().Add(lifetime)) : null);
    }

    /// <inheritdoc/>
    protected override string PlaceOf(BlobHash hash) => Place + hash.Hex;

    /// <inheritdoc/>
    protected override bool IsRetryable(Exception failure) => failure switch
    {
        RequestFailedException e => e.Status is 0 or 408 or 429 or >= 500,
        AggregateException e => e.InnerExceptions.All(IsRetryable),
        _ => base.IsRetryable(failure),
    };

    /// <inheritdoc/>
    protected override async Task<BlobInfo?> TryFindAsync(BlobHash hash, CancellationToken cancellationToken)
    {
        try
        {
            BlobProperties found = await ClientOf(hash).GetPropertiesAsync(cancellationToken: cancellationToken);
            return new BlobInfo(hash, found.ContentLength, PutAt(found.LastModified));
        }
        catch (RequestFailedException e) when (e.Status == 404)
        {
            return null;
        }
        catch (RequestFailedException e) when (!IsRetryable(e))
        {
            throw Refused(e);
        }
    }

    /// <inheritdoc/>
    protected override async Task<bool> TryRenewAsync(BlobHash hash, long bytes, CancellationToken cancellationToken)
    {
        if (await TryFindAsync(hash, cancellationToken) is not { } info || info.Bytes != bytes)
        {
            return false;
        }

        try
        {
            // Writing metadata, even none, moves the time.
            await ClientOf(hash).SetMetadataAsync(new Dictionary<string, string>(), cancellationToken: cancellationToken);
            return true;
        }
        catch (RequestFailedException e) when (e.Status == 404)
        {
            return false;
        }
        catch (RequestFailedException e) when (!IsRetryable(e))
        {
            throw Refused(e);
        }
    }

    /// <inheritdoc/>
    protected override async Task<BlobContent> TryOpenAsync(BlobHash hash, long offset, CancellationToken cancellationToken)
    {
        var options = new BlobDownloadOptions { Range = offset > 0 ? new HttpRange(offset) : default };
        try
        {
            BlobDownloadStreamingResult result = await ClientOf(hash).DownloadStreamingAsync(options, cancellationToken);
            bool partial = ContentRangeHeaderValue.TryParse(result.Details.ContentRange, out ContentRangeHeaderValue? range) && range.From == offset;
            return new BlobContent(result.Content, partial ? offset : 0, partial ? range!.Length : result.Details.ContentLength, result);
        }
        catch (RequestFailedException e) when (e.Status == 416)
        {
            return new BlobContent(Stream.Null, offset, null, null);
        }
        catch (RequestFailedException e) when (e.Status == 404)
        {
            throw new MissingBlobException(hash, PlaceOf(hash));
        }
        catch (RequestFailedException e) when (!IsRetryable(e))
        {
            throw Refused(e);
        }
    }

    /// <inheritdoc/>
    protected override async Task TryUploadAsync(BlobLease lease, IProgress<long> sending, int attempt, CancellationToken cancellationToken)
    {
        if (await TryRenewAsync(lease.Hash, lease.Bytes, cancellationToken))
        {
            return;
        }

        // A blob of another size under this name is none of ours, and is replaced.
        bool replace = await TryFindAsync(lease.Hash, cancellationToken) is not null;
        try
        {
            await using var stream = new SendingStream(lease.Path, 0, lease.Bytes, sending);
            var options = new BlobUploadOptions
            {
                Conditions = replace ? null : new BlobRequestConditions { IfNoneMatch = ETag.All },
                // One block after the other: several at once would read the one stream into memory.
                TransferOptions = new Azure.Storage.StorageTransferOptions { MaximumConcurrency = 1, InitialTransferSize = 16 << 20, MaximumTransferSize = 16 << 20 },
            };
            await ClientOf(lease.Hash).UploadAsync(stream, options, cancellationToken);
        }
        catch (RequestFailedException e) when (e.Status == 409 || e.Status == 412)
        {
            // Somebody else was faster with the same bytes.
            if (await TryFindAsync(lease.Hash, cancellationToken) is not { } info || info.Bytes != lease.Bytes)
            {
                throw new RetryableBlobException($"The store answered {e.Status}, but the blob is not there.", null, e);
            }
        }
        catch (RequestFailedException e) when (!IsRetryable(e))
        {
            throw Refused(e);
        }
    }

    /// <inheritdoc/>
    protected override async Task<bool> TryDeleteAsync(BlobHash hash, CancellationToken cancellationToken)
    {
        try
        {
            return await ClientOf(hash).DeleteIfExistsAsync(DeleteSnapshotsOption.IncludeSnapshots, cancellationToken: cancellationToken);
        }
        catch (RequestFailedException e) when (!IsRetryable(e))
        {
            throw Refused(e);
        }
    }

    /// <inheritdoc/>
    protected override async Task<BlobPage> TryListAsync(string? cursor, CancellationToken cancellationToken)
    {
        try
        {
            var options = new GetBlobsOptions { Prefix = _names.Prefix };
            await foreach (Page<BlobItem> page in _container.GetBlobsAsync(options, cancellationToken).AsPages(cursor, PageLength))
            {
                List<BlobInfo> blobs = [];
                foreach (BlobItem item in page.Values)
                {
                    if (_names.TryParse(item.Name, out BlobHash hash) && item.Properties is { ContentLength: { } bytes, LastModified: { } put })
                    {
                        blobs.Add(new BlobInfo(hash, bytes, PutAt(put)));
                    }
                }

                return new BlobPage(blobs, string.IsNullOrEmpty(page.ContinuationToken) ? null : page.ContinuationToken);
            }

            return new BlobPage([], null);
        }
        catch (RequestFailedException e) when (!IsRetryable(e))
        {
            throw Refused(e);
        }
    }

    /// <summary>The store tells full seconds, so the moment lies up to one later.</summary>
    private static DateTimeOffset PutAt(DateTimeOffset second) => second.AddTicks(TimeSpan.TicksPerSecond - 1);

    private BlobClient ClientOf(BlobHash hash) => _container.GetBlobClient(_names.NameOf(hash));

    private BlobTransferException Refused(RequestFailedException e) => new(
        $"'{Place}' cannot be used: the store answered {e.Status} ({e.ErrorCode}). Check account, container, key and their rights to read, write, list and delete blobs.", e);
}
