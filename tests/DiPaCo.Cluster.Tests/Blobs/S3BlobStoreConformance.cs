using Amazon.S3.Model;
using DiPaCo.Cluster.Blobs;
using DiPaCo.Cluster.Tests.Support;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using DiPaCo.Tests;
using Xunit;

namespace DiPaCo.Cluster.Tests.Blobs;

public sealed class S3BlobStoreConformance(S3Server server) : BlobStoreConformance, IClassFixture<S3Server>, IAsyncLifetime
{
    private const int PartBytes = 5 << 20;

    private readonly TemporaryFolder _folder = new();
    private readonly string _prefix = $"{Guid.NewGuid():N}/";
    private BlobCache _cache = null!;
    private S3BlobStore _store = null!;

    protected override IBlobStore Store => _store;

    public async ValueTask InitializeAsync()
    {
        await server.StartAsync();
        _cache = await BlobCache.OpenAsync(_folder.File("cache"), 1 << 30, null, Cancellation);
        _store = NewStore(_cache);
    }

    public ValueTask DisposeAsync()
    {
        _cache?.Dispose();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task BlobOfSeveralParts_ComesBack()
    {
        byte[] bytes = Bytes((2 * PartBytes) + 12_345);
        BlobHash hash = await _store.PutAsync(bytes, Cancellation);
        using BlobCache other = await BlobCache.OpenAsync(_folder.File("other"), 1 << 30, null, Cancellation);

        Assert.Equal(bytes, await NewStore(other).ReadAllBytesAsync(hash, bytes.Length, Cancellation));
        Assert.Equal(bytes.Length, _store.Counts.BytesSent);
    }

    [Fact]
    public async Task BlobThatIsTooLargeToBeCopiedInOneGo_IsRenewedInParts()
    {
        S3BlobStore store = new(server.Client, server.Options with { Prefix = _prefix, PartBytes = PartBytes, LargestCopyBytes = PartBytes }, _cache, QuickOptions.Remote);
        byte[] bytes = Bytes(PartBytes + 12_345);
        BlobHash hash = await store.PutAsync(bytes, Cancellation);
        DateTimeOffset put = (await store.FindAsync(hash, Cancellation))!.Value.LastPut;
        while (TimeProvider.System.GetUtcNow() <= put)
        {
            // The store tells full seconds.
            await Task.Yield();
        }

        Assert.True(await store.RenewAsync(hash, bytes.Length, Cancellation));

        Assert.True((await store.FindAsync(hash, Cancellation))!.Value.LastPut > put);
        using BlobCache other = await BlobCache.OpenAsync(_folder.File("other"), 1 << 30, null, Cancellation);
        Assert.Equal(bytes, await NewStore(other).ReadAllBytesAsync(hash, bytes.Length, Cancellation));
        Assert.Equal(bytes.Length, store.Counts.BytesSent);
    }

    [Fact]
    public async Task ChangedObject_IsNotTrusted_AndBrokenDownloadGoesOn() =>
        await RemoteStoreChecks.ChangedObjectIsNotTrustedAndBrokenDownloadGoesOnAsync(
            _store,
            (hash, bytes) => server.Client.PutObjectAsync(new PutObjectRequest { BucketName = server.Options.Bucket, Key = $"{_prefix}{hash.Hex}", InputStream = new MemoryStream(bytes), UseChunkEncoding = false }));

    [Fact]
    public Task BlobPutAndRenewedManyTimesAtOnce_IsSentOnce() => RemoteStoreChecks.BlobPutAndRenewedManyTimesAtOnceIsSentOnceAsync(_store);

    [Fact]
    public async Task PresignedAddress_ServesRangesToAnybody() => await RemoteStoreChecks.PresignedAddressServesRangesToAnybodyAsync(_store, refusesStrangers: !server.IsEmulator);

    [Fact]
    public async Task WrongKey_IsAClearError()
    {
        // The emulator looks at the key and not at the signature.
        S3StoreOptions wrong = server.Options with { AccessKey = "not-a-key", SecretKey = "not-the-secret-key" };
        using Amazon.S3.AmazonS3Client client = S3BlobStore.CreateClient(wrong);
        var stranger = new S3BlobStore(client, wrong, _cache, QuickOptions.Remote);

        BlobTransferException exception = await Assert.ThrowsAsync<BlobTransferException>(() => stranger.PutAsync(Bytes(10), Cancellation));

        Assert.Contains("403", exception.Message, StringComparison.Ordinal);
        Assert.Contains("Check bucket, endpoint", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("not-the-secret-key", exception.ToString(), StringComparison.Ordinal);
    }

    private S3BlobStore NewStore(BlobCache cache) =>
        new(server.Client, server.Options with { Prefix = _prefix, PartBytes = PartBytes }, cache, QuickOptions.Remote);
}
