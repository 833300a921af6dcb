using DiPaCo.Cluster.Blobs;
using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Cluster;

/// <summary>
/// Brings versions of modules into a worker's cache that can be built there: from the version before, which it has, and a difference, which
/// is a fraction of the whole. What is built counts only under its own hash. Whatever goes wrong, the whole is still to be had.
/// </summary>
/// <param name="store">The store; kept by the caller.</param>
internal sealed class ModuleBuilder(RemoteBlobStore store)
{
    private readonly KeyedTurns<BlobHash> _turns = new();

    /// <summary>Builds a module, unless it is in the cache, or the version before is not.</summary>
    /// <returns>Whether it was built.</returns>
    public async Task<bool> TryBuildAsync(BuildableModule module, CancellationToken cancellationToken)
    {
        // Paths share modules: what one task builds, the next finds.
        using KeyedTurns<BlobHash>.Turn turn = await _turns.TakeAsync(module.Blob, takeOver: false, cancellationToken);
        using (BlobLease? present = await store.Cache.TryLeaseAsync(module.Blob, cancellationToken))
        {
            if (present is not null)
            {
                return false;
            }
        }

        using BlobLease? before = await store.Cache.TryLeaseAsync(module.Delta.Base, cancellationToken);
        if (before is null)
        {
            return false;
        }

        try
        {
            using BlobLease delta = await store.LeaseAsync(module.Delta.Blob, cancellationToken);
            using BlobLease built = await store.Cache.PutAsync(
                (destination, _) =>
                {
                    module.Build(before.Path, delta.Path, destination);
                    return Task.CompletedTask;
                },
                cancellationToken);
            if (built.Hash != module.Blob)
            {
                store.Cache.Remove(built.Hash);
                return false;
            }

            store.Counts.Built();
            return true;
        }
        catch (DiPaCoException)
        {
            // A difference that is lost, damaged or made to deceive, or no room for both versions: the whole is fetched.
            return false;
        }
    }
}
