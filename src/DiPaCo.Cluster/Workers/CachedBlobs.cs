using DiPaCo.Cluster.Blobs;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Cluster;

/// <summary>The blobs of a worker at the other end of a network: what its tasks read stays in its cache until they end, and for a while after.</summary>
/// <param name="store">The store; kept by the caller.</param>
public sealed class CachedBlobs(RemoteBlobStore store) : IWorkerBlobs
{
    private readonly ModuleBuilder _builder = new(store);

    /// <inheritdoc/>
    public async Task<T> UseAsync<T>(Func<IBlobStore, Task<T>> use, CancellationToken ended)
    {
        using LeasedBlobs leased = new(store, ended);
        try
        {
            T result = await use(leased);
            await leased.UploadedAsync();
            return result;
        }
        catch
        {
            await leased.AbandonAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task BuildAsync(IEnumerable<BuildableModule> modules, CancellationToken cancellationToken)
    {
        foreach (BuildableModule module in modules)
        {
            await _builder.TryBuildAsync(module, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Newest(int most) => [.. store.Cache.LastUsed(most).Select(blob => blob.Hex)];
}
