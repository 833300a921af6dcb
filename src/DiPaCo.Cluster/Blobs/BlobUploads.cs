using System.Text;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cluster.Blobs;

/// <summary>
/// The uploads that are not finished: one file each, named by uploader and blob, whose length is how far the upload is. They
/// outlive the process, so a client goes on after a restart of the server as after a cut of its connection.
/// </summary>
public sealed class BlobUploads
{
    private const string Suffix = ".part";

    private readonly string _folder;
    private readonly BlobEndpointOptions _options;
    private readonly TimeProvider _time;
    private readonly KeyedTurns<string> _turns = new();
    private readonly Dictionary<string, long> _announced = new(StringComparer.Ordinal);

    /// <summary>Uses a folder, which belongs to this object alone and need not exist.</summary>
    /// <exception cref="StorageException">The folder cannot be written to.</exception>
    public BlobUploads(string folder, BlobEndpointOptions options, TimeProvider? time = null)
    {
        _folder = Path.GetFullPath(folder);
        _options = options;
        _time = time ?? TimeProvider.System;
        DurableFile.CreateFolder(_folder);
        RemoveExpired();
    }

    /// <summary>How many bytes of a blob this uploader has delivered.</summary>
    public long OffsetOf(BlobHash hash, BlobUploader uploader)
    {
        var file = new FileInfo(PathOf(NameOf(hash, uploader)));
        return file.Exists ? file.Length : 0;
    }

    /// <summary>Removes what has waited for its rest for too long.</summary>
    public void RemoveExpired()
    {
        DateTime limit = (_time.GetUtcNow() - _options.PendingLifetime).UtcDateTime;
        foreach (FileInfo file in Files())
        {
            lock (_announced)
            {
                if (file.LastWriteTimeUtc < limit && !_announced.ContainsKey(file.Name))
                {
                    file.Delete();
                }
            }
        }
    }

    /// <summary>Begins an upload or goes on with it. A request that is still at it, perhaps over a dead connection, is ended first.</summary>
    /// <exception cref="TooManyUploadsException">Too much is unfinished already.</exception>
    internal async Task<BlobUpload> OpenAsync(BlobHash hash, BlobUploader uploader, long length, CancellationToken cancellationToken)
    {
        string name = NameOf(hash, uploader);
        KeyedTurns<string>.Turn turn = await _turns.TakeAsync(name, takeOver: true, cancellationToken);
        try
        {
            RemoveExpired();
            Announce(name, uploader.User, length);
            return new BlobUpload(PathOf(name), turn, () => Withdraw(name));
        }
        catch (Exception e)
        {
            turn.Dispose();
            if (StorageErrors.IsStorage(e))
            {
                throw StorageErrors.Explain(e, "write to", _folder);
            }

            throw;
        }
    }

    private void Announce(string name, string user, long length)
    {
        lock (_announced)
        {
            var pending = Files().ToDictionary(file => file.Name, file => file.Exists ? file.Length : 0, StringComparer.Ordinal);
            foreach ((string other, long bytes) in _announced)
            {
                pending[other] = bytes;
            }

            pending[name] = length;
            ThrowIfTooMuch([.. pending.Values], length, _options.MaximumPendingUploads, _options.MaximumPendingBytes);
            string beginning = BeginningFor(user);
            long[] own = [.. pending.Where(upload => upload.Key.StartsWith(beginning, StringComparison.Ordinal)).Select(upload => upload.Value)];
            ThrowIfTooMuch(own, length, _options.MaximumPendingUploadsOfUser, _options.MaximumPendingBytesOfUser);

            _announced[name] = length;
        }
    }

    private void ThrowIfTooMuch(long[] pending, long length, int mostUploads, long mostBytes)
    {
        if (pending.Length > mostUploads || pending.Sum() > mostBytes)
        {
            throw new TooManyUploadsException(pending.Length - 1, pending.Sum() - length, mostUploads, mostBytes, _options.PendingLifetime);
        }
    }

    private void Withdraw(string name)
    {
        lock (_announced)
        {
            _announced.Remove(name);
        }
    }

    private IEnumerable<FileInfo> Files() => new DirectoryInfo(_folder).EnumerateFiles($"*{Suffix}");

    private string PathOf(string name) => Path.Combine(_folder, name);

    // The client is whatever it says it is, so only its hash gets into a file's name.
    private static string NameOf(BlobHash hash, BlobUploader uploader) => $"{BeginningFor(uploader.User)}{hash.Hex}-{Short(uploader.Client)}{Suffix}";

    /// <summary>How the names of a user's uploads begin, also of those that were left by an earlier process.</summary>
    private static string BeginningFor(string user) => $"{Short(user)}-";

    private static string Short(string text) => BlobHash.Of(Encoding.UTF8.GetBytes(text)).Hex[..16];
}
