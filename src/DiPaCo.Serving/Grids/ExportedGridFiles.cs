using System.Collections.Concurrent;
using System.Security.Cryptography;
using DiPaCo.Core;

namespace DiPaCo.Serving.Grids;

/// <summary>The files of an exported model, each verified against the manifest before its first use.</summary>
/// <param name="folder">The folder.</param>
/// <param name="files">The files by their hashes.</param>
internal sealed class ExportedGridFiles(string folder, IReadOnlyDictionary<BlobHash, GridFile> files) : IGridFiles
{
    private readonly ConcurrentDictionary<BlobHash, bool> _verified = new();

    public async Task<string> GetFileAsync(BlobHash blob, CancellationToken cancellationToken)
    {
        GridFile file = files[blob];
        string path = Path.Combine(folder, file.Path.Replace('/', Path.DirectorySeparatorChar));
        if (_verified.ContainsKey(blob))
        {
            return path;
        }

        try
        {
            long bytes = new FileInfo(path).Length;
            if (bytes != file.Bytes)
            {
                throw new DiPaCoException($"'{path}' has {bytes} bytes, expected {file.Bytes}: it was cut or changed. Export the model again.");
            }

            await using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20, FileOptions.SequentialScan | FileOptions.Asynchronous);
            BlobHash found = BlobHash.FromDigest(await SHA256.HashDataAsync(stream, cancellationToken));
            if (found != blob)
            {
                throw new DiPaCoException($"'{path}' has the hash {found.Hex}, expected {blob.Hex}: it is damaged or was changed. Export the model again.");
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DiPaCoException($"'{path}' cannot be read: {exception.Message.TrimEnd('.')}. Export the model again.", exception);
        }

        _verified[blob] = true;
        return path;
    }
}
