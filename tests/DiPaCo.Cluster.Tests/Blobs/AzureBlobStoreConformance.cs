using DiPaCo.Cluster.Blobs;
using DiPaCo.Cluster.Tests.Support;
using DiPaCo.Runtime.Storage;
using DiPaCo.Tests;
using Xunit;

namespace DiPaCo.Cluster.Tests.Blobs;

public sealed class AzureBlobStoreConformance(AzureServer server) : BlobStoreConformance, IClassFixture<AzureServer>, IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _prefix = $"{Guid.NewGuid():N}/";
    private BlobCache _cache = null!;
    private AzureBlobStore _store = null!;

    protected override IBlobStore Store => _store;

    public async ValueTask InitializeAsync()
    {
        await server.StartAsync();
        _cache = await BlobCache.OpenAsync(_folder.File("cache"), 1 << 30, null, Cancellation);
        _store = new AzureBlobStore(server.Container, _prefix, _cache, QuickOptions.Remote);
    }

    public ValueTask DisposeAsync()
    {
        _cache?.Dispose();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task ChangedObject_IsNotTrusted_AndBrokenDownloadGoesOn() =>
        await RemoteStoreChecks.ChangedObjectIsNotTrustedAndBrokenDownloadGoesOnAsync(
            _store, (hash, bytes) => server.Container.GetBlobClient($"{_prefix}{hash.Hex}").UploadAsync(new BinaryData(bytes), overwrite: true));

    [Fact]
    public Task BlobPutAndRenewedManyTimesAtOnce_IsSentOnce() => RemoteStoreChecks.BlobPutAndRenewedManyTimesAtOnceIsSentOnceAsync(_store);

    [Fact]
    public async Task PresignedAddress_ServesRangesToAnybody() => await RemoteStoreChecks.PresignedAddressServesRangesToAnybodyAsync(_store, refusesStrangers: true);

    [Fact]
    public async Task WrongKey_IsAClearError()
    {
        string address = server.Container.Uri.GetLeftPart(UriPartial.Authority);
        string key = Convert.ToBase64String(new byte[64]);
        var stranger = new AzureBlobStore(
            AzureBlobStore.CreateClient($"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={key};BlobEndpoint={address}/devstoreaccount1;", "blobs"),
            _prefix,
            _cache,
            QuickOptions.Remote);

        BlobTransferException exception = await Assert.ThrowsAsync<BlobTransferException>(() => stranger.PutAsync(Bytes(10), Cancellation));

        Assert.Contains("403", exception.Message, StringComparison.Ordinal);
        Assert.Contains("Check account, container, key", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(key, exception.ToString(), StringComparison.Ordinal);
    }
}
