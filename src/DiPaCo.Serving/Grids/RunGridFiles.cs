using DiPaCo.Core;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Serving.Grids;

/// <summary>The blobs of a run's folder. While the run trains on, it lets go of those of older versions: a caller then opens the model anew.</summary>
/// <param name="store">The run's store.</param>
internal sealed class RunGridFiles(FolderBlobStore store) : IGridFiles
{
    public Task<string> GetFileAsync(BlobHash blob, TaskScheduler hashing, CancellationToken cancellationToken) => store.GetFileAsync(blob, hashing, cancellationToken);
}
