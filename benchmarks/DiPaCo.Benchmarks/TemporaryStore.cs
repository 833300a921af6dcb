using DiPaCo.Runtime.Storage;

namespace DiPaCo.Benchmarks;

/// <summary>Blobs in a folder that goes when it is disposed.</summary>
internal sealed class TemporaryStore : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("dipaco-benchmark-");

    public TemporaryStore() => Store = new FolderBlobStore(_folder.FullName);

    public FolderBlobStore Store { get; }

    public void Dispose() => _folder.Delete(recursive: true);
}
