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

    public async Task<string> GetFileAsync(BlobHash blob, TaskScheduler hashing, CancellationToken cancellationToken)
    {
        GridFile file = files[blob];
        string path = Path.Combine(folder, file.Path.Replace('/', Path.DirectorySeparatorChar));
        if (!_verified.ContainsKey(blob))
        {
            await Task.Factory.StartNew(() => ThrowIfOther(path, file, blob, cancellationToken), cancellationToken, TaskCreationOptions.DenyChildAttach, hashing);
            _verified[blob] = true;
        }

        return path;
    }

    private static void ThrowIfOther(string path, GridFile file, BlobHash blob, CancellationToken cancellationToken)
    {
        try
        {
            long bytes = new FileInfo(path).Length;
            if (bytes != file.Bytes)
            {
                throw new DiPaCoException($"'{path}' has {bytes} bytes, expected {file.Bytes}: it was cut or changed. Export the model again.");
            }

            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
            using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            byte[] buffer = new byte[1 << 20];
            for (int read; (read = stream.Read(buffer)) > 0;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                hash.AppendData(buffer, 0, read);
            }

            BlobHash found = BlobHash.FromDigest(hash.GetHashAndReset());
            if (found != blob)
            {
                throw new DiPaCoException($"'{path}' has the hash {found.Hex}, expected {blob.Hex}: it is damaged or was changed. Export the model again.");
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DiPaCoException($"'{path}' cannot be read: {exception.Message.TrimEnd('.')}. Export the model again.", exception);
        }
    }
}
