using DiPaCo.Cluster.Blobs;
using DiPaCo.Runtime.Storage;
using Microsoft.AspNetCore.Http;

namespace DiPaCo.Cluster.Tests.Support;

/// <summary>A store as a worker sees it: over HTTP, with a cache of its own.</summary>
internal sealed class FarStore : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<IDisposable> _parts = [];
    private BlobServer? _server;

    /// <summary>The worker's end.</summary>
    public HttpBlobStore Store { get; private set; } = null!;

    /// <summary>Starts the server.</summary>
    /// <param name="store">What it serves.</param>
    /// <param name="before">Runs before each request; what returns true is answered.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    public static async Task<FarStore> StartAsync(IBlobStore store, Func<HttpContext, Task<bool>> before, CancellationToken cancellationToken)
    {
        FarStore far = new();
        far._server = await BlobServer.StartAsync(far._folder.File("server"), new BlobEndpointOptions(), store, before: before);
        BlobCache cache = await BlobCache.OpenAsync(far._folder.File("cache"), 100 << 20, null, cancellationToken);
        HttpClient http = HttpBlobStore.CreateClient(far._server.Address);
        far.Store = new HttpBlobStore(http, cache, new RemoteBlobOptions(), TimeProvider.System);
        far._parts.AddRange([far.Store, http, cache]);
        return far;
    }

    public async ValueTask DisposeAsync()
    {
        _parts.ForEach(part => part.Dispose());
        await _server!.DisposeAsync();
        _folder.Dispose();
    }
}
