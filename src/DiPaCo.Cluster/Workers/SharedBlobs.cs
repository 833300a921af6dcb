using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Cluster;

/// <summary>The blobs of a worker that reads the silo's own store: all of them are here, so none is nearer than another.</summary>
/// <param name="store">The store.</param>
public sealed class SharedBlobs(IBlobStore store) : IWorkerBlobs
{
    /// <inheritdoc/>
    public Task<T> UseAsync<T>(Func<IBlobStore, Task<T>> use, CancellationToken ended) => use(store);

    /// <inheritdoc/>
    public Task BuildAsync(IEnumerable<BuildableModule> modules, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public IReadOnlyList<string> Newest(int most) => [];
}
