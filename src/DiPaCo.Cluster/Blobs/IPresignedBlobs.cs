using DiPaCo.Core;

namespace DiPaCo.Cluster.Blobs;

/// <summary>A store that can hand out addresses from which anybody may read one blob for a while, past the server.</summary>
public interface IPresignedBlobs
{
    /// <summary>An address for GET with ranges; null where the store's credentials cannot sign. Says nothing of the blob being there.</summary>
    /// <param name="hash">The blob.</param>
    /// <param name="lifetime">How long the address is good for.</param>
    /// <param name="cancellationToken">Ends the signing, where that asks a service.</param>
    Task<Uri?> PresignAsync(BlobHash hash, TimeSpan lifetime, CancellationToken cancellationToken);
}
