using DiPaCo.Core;
using Microsoft.Win32.SafeHandles;

namespace DiPaCo.Runtime.Storage;

/// <summary>
/// A file that appears complete or not at all, whenever the process or the machine stops: written under a temporary
/// name in the same file system, flushed to the disk, renamed, and the folder flushed. Without <see cref="Commit"/>,
/// disposing it leaves nothing behind.
/// </summary>
public sealed class DurableFile : IDisposable
{
    private readonly string _temporary;
    private readonly IStorageSteps _steps;
    private readonly FileStream _file;
    private readonly HashingFileStream _stream;
    private bool _renamed;

    private DurableFile(string temporary, IStorageSteps steps, bool ownerOnly)
    {
        _temporary = temporary;
        _steps = steps;
        // Sharing deletion lets Windows rename the open file; on Unix any sharing mode is a lock that marks a live writer.
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.Delete, BufferSize = 0 };
        if (ownerOnly && !OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        _file = new FileStream(temporary, options);
        _stream = new HashingFileStream(_file.SafeFileHandle, temporary);
    }

    /// <summary>Where the content goes, front to back.</summary>
    public Stream Stream => _stream;

    /// <summary>Creates the temporary file, and the folder if need be.</summary>
    /// <param name="folder">Where.</param>
    /// <param name="steps">Is told of each step; null: nobody listens.</param>
    /// <param name="ownerOnly">Nobody but its owner may read it, from its creation on. Windows goes by the folder's rights.</param>
    /// <exception cref="StorageException">The folder cannot be written to.</exception>
    public static DurableFile Create(string folder, IStorageSteps? steps = null, bool ownerOnly = false)
    {
        string temporary = TemporaryFiles.NewPath(folder);
        try
        {
            CreateFolder(folder);
            var file = new DurableFile(temporary, steps ?? SilentStorageSteps.Instance, ownerOnly);
            file._steps.Reached(StorageStep.TemporaryCreated, temporary);
            return file;
        }
        catch (Exception e) when (StorageErrors.IsStorage(e))
        {
            throw StorageErrors.Explain(e, "create a file in", folder);
        }
    }

    /// <summary>Writes a small file durably; an existing one is replaced.</summary>
    /// <param name="path">Its name.</param>
    /// <param name="content">Its bytes.</param>
    /// <param name="steps">Is told of each step; null: nobody listens.</param>
    /// <param name="ownerOnly">Nobody but its owner may read it.</param>
    /// <exception cref="StorageException">The disk is full or the folder cannot be written to.</exception>
    public static void WriteAllBytes(string path, ReadOnlySpan<byte> content, IStorageSteps? steps = null, bool ownerOnly = false)
    {
        using DurableFile file = Create(Path.GetDirectoryName(Path.GetFullPath(path))!, steps, ownerOnly);
        file.Stream.Write(content);
        file.Commit(path);
    }

    /// <summary>Ends the writing and returns the hash of the content.</summary>
    /// <exception cref="StorageException">The disk is full.</exception>
    public BlobHash Finish()
    {
        BlobHash hash = _stream.Finish();
        _steps.Reached(StorageStep.TemporaryWritten, _temporary);
        return hash;
    }

    /// <summary>Gives the file its final name; an existing file is replaced. On return it survives a power failure.</summary>
    /// <param name="path">The name.</param>
    /// <param name="flush">False: after a power failure the file may be missing or broken, as one that is checked before its use may be.</param>
    /// <exception cref="StorageException">The disk is full or the name cannot be given.</exception>
    public void Commit(string path, bool flush = true)
    {
        ObjectDisposedException.ThrowIf(_renamed, this);
        if (_stream.CanWrite)
        {
            Finish();
        }

        try
        {
            FlushAndRename(_file.SafeFileHandle, _temporary, path, _steps, flush);
            _renamed = true;
        }
        catch (Exception e) when (StorageErrors.IsStorage(e))
        {
            throw StorageErrors.Explain(e, "write", path);
        }
    }

    /// <summary>Closes the file, and removes it unless it was committed.</summary>
    public void Dispose()
    {
        _stream.Dispose();
        _file.Dispose();
        if (_renamed)
        {
            return;
        }

        try
        {
            File.Delete(_temporary);
        }
        catch (Exception e) when (StorageErrors.IsStorage(e))
        {
            // The failure that brought us here matters more; the next start removes the leftover.
            _renamed = false;
        }
    }

    /// <summary>Gives a complete temporary file its final name, so that on return it survives a power failure under it.</summary>
    /// <param name="handle">The file, open.</param>
    /// <param name="temporary">Its present name.</param>
    /// <param name="path">Its final name.</param>
    /// <param name="steps">Is told of each step.</param>
    /// <param name="flush">False: it need not survive one.</param>
    internal static void FlushAndRename(SafeFileHandle handle, string temporary, string path, IStorageSteps steps, bool flush = true)
    {
        if (flush)
        {
            RandomAccess.FlushToDisk(handle);
            steps.Reached(StorageStep.TemporaryFlushed, temporary);
        }

        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        CreateFolder(folder);
        File.Move(temporary, path, overwrite: true);
        steps.Reached(StorageStep.Renamed, path);
        if (flush)
        {
            FolderFlush.Flush(folder);
            steps.Reached(StorageStep.FolderFlushed, path);
        }
    }

    /// <summary>Creates a folder so that it, too, survives a power failure.</summary>
    internal static void CreateFolder(string folder)
    {
        if (Directory.Exists(folder))
        {
            return;
        }

        string? parent = Path.GetDirectoryName(Path.GetFullPath(folder));
        if (parent is not null)
        {
            CreateFolder(parent);
        }

        Directory.CreateDirectory(folder);
        if (parent is not null)
        {
            FolderFlush.Flush(parent);
        }
    }
}
