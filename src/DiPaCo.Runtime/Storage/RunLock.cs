using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace DiPaCo.Runtime.Storage;

/// <summary>
/// The right to change a run, held by one process at a time. It is a lock of the operating system on
/// <c>run.lock</c> and ends with the process, however that ends; the file itself means nothing and stays.
/// </summary>
/// <remarks>A network file system that knows no locks does not exclude a process of another machine.</remarks>
public sealed class RunLock : IDisposable
{
    // Whoever asks whether a run is held holds it for that moment.
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(300);

    private readonly SafeFileHandle _handle;

    private RunLock(string folder, SafeFileHandle handle)
    {
        Folder = folder;
        _handle = handle;
    }

    /// <summary>The run's folder.</summary>
    public string Folder { get; }

    /// <summary>Takes the lock, and creates the folder if need be.</summary>
    /// <exception cref="RunLockedException">Another process, or another part of this one, holds it.</exception>
    /// <exception cref="StorageException">The folder cannot be written to.</exception>
    public static RunLock Acquire(string folder)
    {
        folder = Path.GetFullPath(folder);
        var paths = new RunPaths(folder);
        SafeFileHandle? handle = null;
        try
        {
            DurableFile.CreateFolder(folder);
            handle = Open(paths.Lock);
            // The locked file cannot be read by others, so the holder's name stands beside it.
            File.WriteAllText(paths.Holder, string.Create(CultureInfo.InvariantCulture, $"process {Environment.ProcessId} on {Environment.MachineName}"));
            RunLock taken = new(folder, handle);
            handle = null;
            return taken;
        }
        catch (IOException e) when (StorageErrors.IsLocked(e))
        {
            throw new RunLockedException(folder, HolderOf(paths), e);
        }
        catch (Exception e) when (StorageErrors.IsStorage(e))
        {
            throw StorageErrors.Explain(e, "write to the run", folder);
        }
        finally
        {
            handle?.Dispose();
        }
    }

    /// <summary>Whether a process holds the lock now.</summary>
    public static bool IsHeld(string folder)
    {
        string path = new RunPaths(Path.GetFullPath(folder)).Lock;
        try
        {
            if (!File.Exists(path))
            {
                return false;
            }

            // Reading is enough to ask, so that runs on read-only disks and of other users can be looked at.
            using SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.None);
            return false;
        }
        catch (IOException e) when (StorageErrors.IsLocked(e))
        {
            return true;
        }
        catch (Exception e) when (StorageErrors.IsStorage(e))
        {
            throw StorageErrors.Explain(e, "read", path);
        }
    }

    /// <summary>Gives the lock back.</summary>
    public void Dispose() => _handle.Dispose();

    private static SafeFileHandle Open(string path)
    {
        SafeFileHandle? handle = null;
        SpinWait.SpinUntil(() => (handle = TryOpen(path)) is not null, s_patience);
        return handle ?? OpenNow(path);
    }

    private static SafeFileHandle? TryOpen(string path)
    {
        try
        {
            return OpenNow(path);
        }
        catch (IOException e) when (StorageErrors.IsLocked(e))
        {
            return null;
        }
    }

    private static SafeFileHandle OpenNow(string path) => File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);

    private static string HolderOf(RunPaths paths)
    {
        try
        {
            return File.ReadAllText(paths.Holder);
        }
        catch (Exception e) when (StorageErrors.IsStorage(e))
        {
            return "another process";
        }
    }
}
