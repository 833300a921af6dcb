using System.Diagnostics;
using System.Runtime.InteropServices;
using DiPaCo.Model.SafeTensors;

namespace DiPaCo.Training.Benchmarking;

/// <summary>
/// Safetensors against the same bytes without any format, taken in turn: writing against writing, reading against reading, and both
/// against a copy from file to file. All go through the page cache; what a disk adds, it adds to all. Every file that is written has its
/// blocks claimed first, which makes large ext4 files much faster, and is how the blob store writes.
/// </summary>
public static class SafeTensorsBenchmark
{
    private const int Tensors = 16;
    private const int Elements = 4 << 20;
    private const int CopyBytes = 1 << 20;

    /// <summary>Measures files of 256 MiB, each the best of some rounds.</summary>
    /// <param name="folder">Where the files are made; they are removed again.</param>
    /// <param name="rounds">Rounds.</param>
    /// <param name="put">Puts what an action writes to a stream into a blob store of a folder, removes it again, and returns the time that the first took.</param>
    public static async Task<SafeTensorsRatios> MeasureAsync(string folder, int rounds, Func<string, Action<Stream>, Task<TimeSpan>> put)
    {
        string path = Path.Combine(folder, "benchmark.safetensors");
        string other = Path.Combine(folder, "benchmark.plain");
        float[] data = GC.AllocateUninitializedArray<float>(Elements, pinned: true);
        data.AsSpan().Fill(1.5f);
        TensorSpec[] specs = [.. Enumerable.Range(0, Tensors).Select(i => new TensorSpec($"tensor{i}", TensorDType.F32, Elements))];
        Dictionary<string, double> best = new(StringComparer.Ordinal);
        try
        {
            for (int round = 0; round < rounds; round++)
            {
                File.Delete(path);
                Keep("write", () => Write(path, specs, data));
                File.Delete(other);
                Keep("plain write", () => WritePlain(other, data, durable: false));
                Keep("read", () => Read(path, specs, data));
                Keep("plain read", () => ReadPlain(other, data));
                File.Delete(other);
                Keep("copy", () => Copy(path, other));
                File.Delete(other);
                Keep("durable write", () => WritePlain(other, data, durable: true));
                Note("put", await put(folder, stream => WriteTo(stream, specs, data)));
            }
        }
        finally
        {
            File.Delete(path);
            File.Delete(other);
        }

        return new SafeTensorsRatios(
            best["write"] / best["plain write"], best["read"] / best["plain read"],
            best["write"] / best["copy"], best["read"] / best["copy"], best["put"] / best["durable write"]);

        void Keep(string which, Action action)
        {
            long start = Stopwatch.GetTimestamp();
            action();
            Note(which, Stopwatch.GetElapsedTime(start));
        }

        void Note(string which, TimeSpan time) => best[which] = Math.Min(best.GetValueOrDefault(which, double.MaxValue), time.TotalSeconds);
    }

    private static void Write(string path, TensorSpec[] specs, float[] data)
    {
        using FileStream file = Create(path, specs.Sum(spec => spec.ByteLength));
        WriteTo(file, specs, data);
    }

    private static void WriteTo(Stream file, TensorSpec[] specs, float[] data)
    {
        SafeTensorsWriter writer = new(file, specs);
        foreach (TensorSpec _ in specs)
        {
            writer.Append(MemoryMarshal.AsBytes(data.AsSpan()));
        }

        writer.Complete();
    }

    private static void WritePlain(string path, float[] data, bool durable)
    {
        using FileStream file = Create(path, (long)Tensors * Elements * sizeof(float));
        for (int i = 0; i < Tensors; i++)
        {
            file.Write(MemoryMarshal.AsBytes(data.AsSpan()));
        }

        file.Flush(flushToDisk: durable);
    }

    // In user space: File.Copy may only share blocks on some file systems, which copies nothing.
    private static void Copy(string from, string to)
    {
        using FileStream source = Open(from);
        using FileStream target = Create(to, source.Length);
        source.CopyTo(target, CopyBytes);
    }

    private static void Read(string path, TensorSpec[] specs, float[] data)
    {
        using SafeTensorsReader reader = SafeTensorsReader.Open(path);
        foreach (TensorSpec spec in specs)
        {
            reader.ReadInto(spec.Name, data.AsSpan());
        }
    }

    private static void ReadPlain(string path, float[] data)
    {
        using FileStream file = Open(path);
        for (int i = 0; i < Tensors; i++)
        {
            file.ReadExactly(MemoryMarshal.AsBytes(data.AsSpan()));
        }
    }

    private static FileStream Create(string path, long bytes) => new(path, new FileStreamOptions
    {
        Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0, PreallocationSize = bytes,
    });

    private static FileStream Open(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
}
