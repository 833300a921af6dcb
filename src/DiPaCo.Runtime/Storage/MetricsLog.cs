using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Win32.SafeHandles;

namespace DiPaCo.Runtime.Storage;

/// <summary>
/// The run's measurements, one JSON line each. A measurement decides nothing, so lines are not flushed to the disk one by
/// one, and some may be missing after a power failure. A task that is done again measures again: a point's identity is
/// (task, kind, step), and of several with the same identity the last one counts.
/// </summary>
public sealed class MetricsLog : IDisposable
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerOptions.Web)
    {
        // A loss that is not a number is the most important one.
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

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

    /// <summary>Reads a run's measurements, also while another process appends; each identity once, in the order of first appearance.</summary>
    /// <exception cref="StorageException">The file cannot be read.</exception>
    public static IReadOnlyList<MetricPoint> Read(string runFolder)
    {
        string path = new RunPaths(runFolder).Metrics;
        var points = new OrderedDictionary<(string, string, long), MetricPoint>();
        try
        {
            if (!File.Exists(path))
            {
                return [];
            }

            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(stream);
            while (reader.ReadLine() is { } line)
            {
                if (Parse(line) is { } point)
                {
                    points[(point.Task, point.Kind, point.Step)] = point;
                }
            }
        }
        catch (Exception e) when (StorageErrors.IsStorage(e))
        {
            throw StorageErrors.Explain(e, "read", path);
        }

        return [.. points.Values];
    }

    /// <summary>Appends a point; calls from several threads wait for each other.</summary>
    /// <exception cref="StorageException">The disk is full.</exception>
    public void Append(MetricPoint point)
    {
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(point, s_json), (byte)'\n'];
        lock (_lock)
        {
            try
            {
                RandomAccess.Write(_handle, line, _bytes);
            }
            catch (Exception e) when (StorageErrors.IsStorage(e))
            {
                throw StorageErrors.Explain(e, "write", _path);
            }

            _bytes += line.Length;
            _steps.Reached(StorageStep.MetricsAppended, _path);
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _handle.Dispose();

    /// <summary>A line that cannot be read was lost in a crash: the next lines still count.</summary>
    private static MetricPoint? Parse(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<MetricPoint>(line, s_json);
        }
        catch (JsonException)
        {
            return null;
        }
    }

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
