using System.Text;
using Microsoft.Win32.SafeHandles;

namespace DiPaCo.Runtime.Storage;

/// <summary>
/// Appends to the run's measurements, one JSON object a line. A measurement decides nothing, so lines are not flushed to
/// the disk one by one, and some may be missing after a power failure. A task that is done again measures again; of
/// several lines about the same step the reader takes the last, and times it adds up.
/// </summary>
public sealed class MetricsLog : IDisposable
{
    private readonly string _path;
    private readonly SafeFileHandle _handle;
    private readonly IStorageSteps _steps;
    private readonly Lock _lock = new();
    private long _bytes;

    private MetricsLog(string path, SafeFileHandle handle, long bytes, IStorageSteps steps)
    {
        _path = path;
        _handle = handle;
        _bytes = bytes;
        _steps = steps;
    }

    /// <summary>Opens a run's metrics for appending, and cuts off an unfinished last line.</summary>
    /// <exception cref="StorageException">The file cannot be written to.</exception>
    public static MetricsLog OpenForWriting(RunLock runLock, IStorageSteps? steps = null)
    {
        string path = new RunPaths(runLock.Folder).Metrics;
        steps ??= SilentStorageSteps.Instance;
        SafeFileHandle? handle = null;
        try
        {
            handle = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
            long length = RandomAccess.GetLength(handle);
            long complete = EndOfLastLine(handle, length);
            if (complete < length)
            {
                RandomAccess.SetLength(handle, complete);
                steps.Reached(StorageStep.TailCut, path);
            }

            var log = new MetricsLog(path, handle, complete, steps);
            handle = null;
            return log;
        }
        catch (Exception e) when (StorageErrors.IsStorage(e))
        {
            throw StorageErrors.Explain(e, "write", path);
        }
        finally
        {
            handle?.Dispose();
        }
    }

    /// <summary>Appends a line, given without its end; calls from several threads wait for each other.</summary>
    /// <exception cref="ArgumentException">The text has more than one line.</exception>
    /// <exception cref="StorageException">The disk is full.</exception>
    public void Append(string line)
    {
        if (line.AsSpan().ContainsAny('\n', '\r'))
        {
            throw new ArgumentException("A measurement takes one line.", nameof(line));
        }

        byte[] bytes = Encoding.UTF8.GetBytes(line + '\n');
        lock (_lock)
        {
            try
            {
                // At the known end, so the next line overwrites what a failed one has left.
                RandomAccess.Write(_handle, bytes, _bytes);
            }
            catch (Exception e) when (StorageErrors.IsStorage(e))
            {
                throw StorageErrors.Explain(e, "write", _path);
            }

            _bytes += bytes.Length;
            _steps.Reached(StorageStep.MetricsAppended, _path);
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _handle.Dispose();

    private static long EndOfLastLine(SafeFileHandle handle, long length)
    {
        byte[] buffer = new byte[4096];
        for (long end = length; end > 0;)
        {
            int size = (int)Math.Min(buffer.Length, end);
            int read = RandomAccess.Read(handle, buffer.AsSpan(0, size), end - size);
            int newline = buffer.AsSpan(0, read).LastIndexOf((byte)'\n');
            if (newline >= 0)
            {
                return end - size + newline + 1;
            }

            end -= size;
        }

        return 0;
    }
}
