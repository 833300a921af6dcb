using DiPaCo.Core;

namespace DiPaCo.Runtime.Storage;

/// <summary>The file system refused: full, read-only, no permission, not there. The message names the path and the remedy.</summary>
public sealed class StorageException : DiPaCoException
{
    /// <summary>Creates the exception of a path.</summary>
    public StorageException(string path, string message, Exception? innerException = null)
        : base(message, innerException!) => Path = path;

    /// <summary>The file or folder.</summary>
    public string Path { get; }
}
