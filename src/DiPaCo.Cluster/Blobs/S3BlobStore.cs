using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cluster.Blobs;

/// <summary>Blobs as objects of a bucket, of Amazon's or any other store that speaks its protocol.</summary>
/// <remarks>
/// A killed process may leave parts of an upload that are no object; a lifecycle rule of the bucket (abort incomplete multipart
/// uploads) removes them.
/// </remarks>
public sealed class S3BlobStore : RemoteBlobStore, IPresignedBlobs
{
    private readonly IAmazonS3 _client;
    private readonly S3StoreOptions _store;
    private readonly ObjectNames _names;

    /// <summary>Uses a client that the caller keeps.</summary>
    /// <param name="client">As of <see cref="CreateClient"/>.</param>
    /// <param name="store">Bucket and prefix.</param>
    /// <param name="cache">Where downloads go.</param>
    /// <param name="options">Limits and patience.</param>
    /// <param name="time">The clock of pauses and deadlines.</param>
    public S3BlobStore(IAmazonS3 client, S3StoreOptions store, BlobCache cache, RemoteBlobOptions options, TimeProvider? time = null)
        : base(cache, options, time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(store.PartBytes, 5L << 20, nameof(store));
        ArgumentOutOfRangeException.ThrowIfLessThan(store.LargestCopyBytes, 5L << 20, nameof(store));
        _client = client;
        _store = store;
        _names = new ObjectNames(store.Prefix);
    }

    /// <inheritdoc/>
    protected override string Place => $"s3://{_store.Bucket}/{_names.Prefix}";

    /// <summary>A client that leaves repeating and patience to the store.</summary>
    public static AmazonS3Client CreateClient(S3StoreOptions store)
    {
        var config = new AmazonS3Config
        {
            AuthenticationRegion = store.Region,
            ForcePathStyle = store.ServiceUrl is not null,
            MaxErrorRetry = 0,
            Timeout = Timeout.InfiniteTimeSpan,
            // Stores other than Amazon's do not know the newer checksums; our own hash covers the whole way.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (store.ServiceUrl is { } url)
        {
            config.ServiceURL = url.AbsoluteUri;
        }
        else
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(store.Region);
        }

        return store.AccessKey is { } key ? new AmazonS3Client(key, store.SecretKey, config) : new AmazonS3Client(config);
    }

    /// <inheritdoc/>
    public async Task<Uri?> PresignAsync(BlobHash hash, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        var request = new GetPreSignedUrlRequest
        {
            BucketName = _store.Bucket,
            Key = _names.NameOf(hash),
            Verb = HttpVerb.GET,
            Expires = TimeProvider.System.GetUtcNow().Add(lifetime).UtcDateTime,
            Protocol = _store.ServiceUrl?.Scheme == Uri.UriSchemeHttp ? Protocol.HTTP : Protocol.HTTPS,
        };
        return new Uri(await _client.GetPreSignedURLAsync(request));
    }

    /// <inheritdoc/>
    protected override string PlaceOf(BlobHash hash) => Place + hash.Hex;

    /// <inheritdoc/>
    protected override bool IsRetryable(Exception failure) => failure switch
    {
        AmazonServiceException e => e.StatusCode is 0 or HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or HttpStatusCode.Conflict
            || e.StatusCode >= HttpStatusCode.InternalServerError,
        AmazonClientException => true,
        _ => base.IsRetryable(failure),
    };

    /// <inheritdoc/>
    protected override async Task<BlobInfo?> TryFindAsync(BlobHash hash, CancellationToken cancellationToken)
    {
        try
        {
            GetObjectMetadataResponse found = await _client.GetObjectMetadataAsync(
                new GetObjectMetadataRequest { BucketName = _store.Bucket, Key = _names.NameOf(hash) }, cancellationToken);
            return new BlobInfo(hash, found.ContentLength, PutAt(found.LastModified));
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
        catch (AmazonS3Exception e) when (!IsRetryable(e))
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
            await (bytes <= _store.LargestCopyBytes ? CopyWholeAsync(hash, cancellationToken) : CopyPartsAsync(hash, bytes, cancellationToken));
            return true;
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            return false;
        }
        catch (AmazonS3Exception e) when (!IsRetryable(e))
        {
            throw Refused(e);
        }
    }

    /// <inheritdoc/>
    protected override async Task<BlobContent> TryOpenAsync(BlobHash hash, long offset, CancellationToken cancellationToken)
    {
        var request = new GetObjectRequest { BucketName = _store.Bucket, Key = _names.NameOf(hash) };
        if (offset > 0)
        {
            request.ByteRange = new ByteRange(string.Create(CultureInfo.InvariantCulture, $"bytes={offset}-"));
        }

        try
        {
            GetObjectResponse response = await _client.GetObjectAsync(request, cancellationToken);
            bool partial = ContentRangeHeaderValue.TryParse(response.ContentRange, out ContentRangeHeaderValue? range) && range.From == offset;
            return new BlobContent(response.ResponseStream, partial ? offset : 0, partial ? range!.Length : response.ContentLength, response);
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            return new BlobContent(Stream.Null, offset, null, null);
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            throw new MissingBlobException(hash, PlaceOf(hash));
        }
        catch (AmazonS3Exception e) when (!IsRetryable(e))
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

        // An object of another size under this name is no blob, and is replaced.
        bool replace = await TryFindAsync(lease.Hash, cancellationToken) is not null;
        try
        {
            await (lease.Bytes <= _store.PartBytes
                ? UploadWholeAsync(lease, replace, sending, cancellationToken)
                : UploadPartsAsync(lease, replace, sending, cancellationToken));
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.PreconditionFailed)
        {
            // Somebody else was faster with the same bytes.
        }
        catch (AmazonS3Exception e) when (!IsRetryable(e))
        {
            throw Refused(e);
        }
    }

    /// <inheritdoc/>
    protected override async Task<bool> TryDeleteAsync(BlobHash hash, CancellationToken cancellationToken)
    {
        // Deleting what is not there succeeds, so it has to be asked before.
        if (await TryFindAsync(hash, cancellationToken) is null)
        {
            return false;
        }

        try
        {
            await _client.DeleteObjectAsync(_store.Bucket, _names.NameOf(hash), cancellationToken);
            return true;
        }
        catch (AmazonS3Exception e) when (!IsRetryable(e))
        {
            throw Refused(e);
        }
    }

    /// <inheritdoc/>
    protected override async Task<BlobPage> TryListAsync(string? cursor, CancellationToken cancellationToken)
    {
        try
        {
            var request = new ListObjectsV2Request { BucketName = _store.Bucket, Prefix = _names.Prefix, ContinuationToken = cursor };
            ListObjectsV2Response response = await _client.ListObjectsV2Async(request, cancellationToken);
            List<BlobInfo> blobs = [];
            foreach (S3Object item in response.S3Objects ?? [])
            {
                if (_names.TryParse(item.Key, out BlobHash hash))
                {
                    blobs.Add(new BlobInfo(hash, item.Size ?? 0, PutAt(item.LastModified)));
                }
            }

            return new BlobPage(blobs, response.IsTruncated == true ? response.NextContinuationToken : null);
        }
        catch (AmazonS3Exception e) when (!IsRetryable(e))
        {
            throw Refused(e);
        }
    }

    private async Task UploadWholeAsync(BlobLease lease, bool replace, IProgress<long> sending, CancellationToken cancellationToken)
    {
        await using var stream = new SendingStream(lease.Path, 0, lease.Bytes, sending);
        var request = new PutObjectRequest
        {
            BucketName = _store.Bucket,
            Key = _names.NameOf(lease.Hash),
            InputStream = stream,
            AutoCloseStream = false,
            UseChunkEncoding = false,
            IfNoneMatch = replace ? null : "*",
            // The blob's name again: a store that knows it refuses bytes that were damaged on the way.
            ChecksumSHA256 = Convert.ToBase64String(Convert.FromHexString(lease.Hash.Hex)),
        };
        await _client.PutObjectAsync(request, cancellationToken);
    }

    private Task UploadPartsAsync(BlobLease lease, bool replace, IProgress<long> sending, CancellationToken cancellationToken) => InPartsAsync(
        lease.Hash, lease.Bytes, _store.PartBytes, replace,
        async (name, upload, number, at, bytes) =>
        {
            await using var stream = new SendingStream(lease.Path, at, bytes, sending);
            UploadPartResponse part = await _client.UploadPartAsync(
                new UploadPartRequest
                {
                    BucketName = _store.Bucket,
                    Key = name,
                    UploadId = upload,
                    PartNumber = number,
                    PartSize = bytes,
                    InputStream = stream,
                    UseChunkEncoding = false,
                },
                cancellationToken);
            return part.ETag;
        },
        cancellationToken);

    /// <summary>A copy onto itself is what moves an object's time; it has to change something, so it replaces the metadata.</summary>
    private Task<CopyObjectResponse> CopyWholeAsync(BlobHash hash, CancellationToken cancellationToken) => _client.CopyObjectAsync(
        new CopyObjectRequest
        {
            SourceBucket = _store.Bucket,
            SourceKey = _names.NameOf(hash),
            DestinationBucket = _store.Bucket,
            DestinationKey = _names.NameOf(hash),
            MetadataDirective = S3MetadataDirective.REPLACE,
        },
        cancellationToken);

    /// <summary>The same for an object that is too large to be copied in one go. Until the last part is there, the object is as it was.</summary>
    private Task CopyPartsAsync(BlobHash hash, long bytes, CancellationToken cancellationToken) => InPartsAsync(
        hash, bytes, _store.LargestCopyBytes, replace: true,
        async (name, upload, number, at, length) =>
        {
            CopyPartResponse part = await _client.CopyPartAsync(
                new CopyPartRequest
                {
                    SourceBucket = _store.Bucket,
                    SourceKey = name,
                    DestinationBucket = _store.Bucket,
                    DestinationKey = name,
                    UploadId = upload,
                    PartNumber = number,
                    FirstByte = at,
                    LastByte = at + length - 1,
                },
                cancellationToken);
            return part.ETag;
        },
        cancellationToken);

    /// <summary>Makes an object of parts.</summary>
    /// <param name="hash">The blob.</param>
    /// <param name="bytes">Its size.</param>
    /// <param name="partBytes">The size of each part but the last.</param>
    /// <param name="replace">Whether an object of that name may be there.</param>
    /// <param name="put">Brings a part (the object's name, the upload, the part's number from 1, where it begins, its size); returns its tag.</param>
    /// <param name="cancellationToken">Ends it.</param>
    private async Task InPartsAsync(
        BlobHash hash, long bytes, long partBytes, bool replace, Func<string, string, int, long, long, Task<string>> put, CancellationToken cancellationToken)
    {
        string name = _names.NameOf(hash);
        InitiateMultipartUploadResponse begun = await _client.InitiateMultipartUploadAsync(_store.Bucket, name, cancellationToken);
        try
        {
            List<PartETag> parts = [];
            for (long at = 0; at < bytes; at += partBytes)
            {
                int number = parts.Count + 1;
                parts.Add(new PartETag(number, await put(name, begun.UploadId, number, at, Math.Min(partBytes, bytes - at))));
            }

            var complete = new CompleteMultipartUploadRequest
            {
                BucketName = _store.Bucket,
                Key = name,
                UploadId = begun.UploadId,
                PartETags = parts,
                IfNoneMatch = replace ? null : "*",
            };
            await _client.CompleteMultipartUploadAsync(complete, cancellationToken);
        }
        catch
        {
            await AbortAsync(name, begun.UploadId);
            throw;
        }
    }

    private async Task AbortAsync(string name, string upload)
    {
        // The failure that brought us here matters more, and must not wait for a store that does not answer.
        using var patience = new CancellationTokenSource(Options.StallTimeout, TimeProvider.System);
        try
        {
            await _client.AbortMultipartUploadAsync(_store.Bucket, name, upload, patience.Token);
        }
        catch (Exception e) when (e is AmazonClientException or HttpRequestException or OperationCanceledException or IOException)
        {
            // The bucket's lifecycle rule removes it.
        }
    }

    /// <summary>The store tells full seconds, so the moment lies up to one later.</summary>
    private static DateTimeOffset PutAt(DateTime? second) => second is { } time
        ? new DateTimeOffset(time.ToUniversalTime()).AddTicks(TimeSpan.TicksPerSecond - 1)
        : throw new RetryableBlobException("The store does not say when an object was put.");

    private BlobTransferException Refused(AmazonS3Exception e) => new(
        $"'{Place}' cannot be used: the store answered {(int)e.StatusCode} ({e.ErrorCode}): {e.Message.TrimEnd('.')}. Check bucket, endpoint, region, keys and their rights to get, put, list and delete objects.", e);
}
