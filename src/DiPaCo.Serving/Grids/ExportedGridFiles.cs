using System.Collections.Concurrent;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using Microsoft.Win32.SafeHandles;

namespace DiPaCo.Serving.Grids;

/// <summary>The files of an exported model, each verified against the manifest before its first use.</summary>
/// <param name="folder">The folder.</param>
/// <param name="files">The files by their hashes.</param>
internal sealed class ExportedGridFiles(string folder, IReadOnlyDictionary<BlobHash, GridFile> files) : IGridFiles
{
    private readonly ConcurrentDictionary<BlobHash, bool> _verified = new();

    public async Task<string> GetFileAsync(BlobHash blob, TaskScheduler hashing, CancellationToken cancellationToken)
    {
        GridFile file = files[blob];
        string path = Path.Combine(folder, file.Path.Replace('/', Path.DirectorySeparatorChar));
        if (!_verified.ContainsKey(blob))
        {
            _verified[blob] = await hashing.RunAsync(() => Verify(path, file, blob, cancellationToken), cancellationToken);
        }

        return path;
    }

    private static bool Verify(string path, GridFile file, BlobHash blob, CancellationToken cancellationToken)
    {
        try
        {
            long bytes = new FileInfo(path).Length;
            if (bytes != file.Bytes)
            {
                throw new DiPaCoException($"'{path}' has {bytes} bytes, expected {file.Bytes}: it was cut or changed. Export the model again.");
            }

            using SafeFileHandle handle = File.OpenHandle(path, options: FileOptions.SequentialScan);
            BlobHash found = FolderBlobStore.HashFile(handle, cancellationToken);
            return found == blob
                ? true
                : throw new DiPaCoException($"'{path}' has the hash {found.Hex}, expected {blob.Hex}: it is damaged or was changed. Export the model again.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DiPaCoException($"'{path}' cannot be read: {exception.Message.TrimEnd('.')}. Export the model again.", exception);
        }
    }
}
