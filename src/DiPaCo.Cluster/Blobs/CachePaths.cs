using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using Microsoft.Win32.SafeHandles;

namespace DiPaCo.Cluster.Blobs;

/// <summary>The files of a cache: <c>blobs/</c>, <c>parts/</c> with broken downloads, and <c>cache.lock</c>.</summary>
internal sealed class CachePaths(string folder)
{
    private const string PartSuffix = ".part";

    public string Folder { get; } = folder;

    public string Blobs { get; } = Path.Combine(folder, "blobs");

    private string PartFolder => Path.Combine(Folder, "parts");

    public string Part(BlobHash hash) => Path.Combine(PartFolder, hash.Hex + PartSuffix);

    public IEnumerable<FileInfo> Parts() => new DirectoryInfo(PartFolder).GetFiles($"*{PartSuffix}").OrderBy(file => file.Name, StringComparer.Ordinal);

    /// <summary>Takes the operating system's lock on the cache, which ends with the process.</summary>
    public SafeFileHandle Lock()
    {
        try
        {
            DurableFile.CreateFolder(PartFolder);
            return File.OpenHandle(Path.Combine(Folder, "cache.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (StorageErrors.IsLocked(e))
        {
            throw new StorageException(Folder, $"The cache '{Folder}' is in use by another worker. Give each worker on a machine a cache folder of its own.", e);
        }
        catch (Exception e) when (StorageErrors.IsStorage(e))
        {
            throw StorageErrors.Explain(e, "use the cache", Folder);
        }
    }
}
