using DiPaCo.Core;

namespace DiPaCo.Serving.Grids;

/// <summary>Where the blobs of a model lie: a run's store, or an exported folder.</summary>
public interface IGridFiles
{
    /// <summary>The path of a file with the blob's bytes, verified against its hash at least once by this process.</summary>
    /// <exception cref="DiPaCoException">It is not there, or its bytes do not match its hash.</exception>
    /// <param name="blob">The blob.</param>
    /// <param name="hashing">Where it is hashed, if it has to be.</param>
    /// <param name="cancellationToken">Ends the hashing.</param>
    Task<string> GetFileAsync(BlobHash blob, TaskScheduler hashing, CancellationToken cancellationToken);
}
