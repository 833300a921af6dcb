using DiPaCo.Cluster.Blobs;
using DiPaCo.Cluster.Tests.Support;
using DiPaCo.Runtime.Storage;
using DiPaCo.Tests;
using Xunit;

namespace DiPaCo.Cluster.Tests.Blobs;

public sealed class HttpBlobStoreConformance : BlobStoreConformance, IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private BlobServer _server = null!;
    private BlobCache _cache = null!;
    private HttpClient _http = null!;
    private HttpBlobStore _store = null!;

    protected override IBlobStore Store => _store;

    public async ValueTask InitializeAsync()
    {
        _server = await BlobServer.StartAsync(_folder.File("server"));
        _cache = await BlobCache.OpenAsync(_folder.File("cache"), 1 << 30, null, Cancellation);
        _http = HttpBlobStore.CreateClient(_server.Address);
        _store = new HttpBlobStore(_http, _cache, QuickOptions.Remote);
    }

    public async ValueTask DisposeAsync()
    {
        _store.Dispose();
        _http.Dispose();
        _cache.Dispose();
        await _server.DisposeAsync();
        _folder.Dispose();
    }
}
