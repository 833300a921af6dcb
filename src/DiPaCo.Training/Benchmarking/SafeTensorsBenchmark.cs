using System.Diagnostics;
using System.Runtime.InteropServices;
using DiPaCo.Model.SafeTensors;

namespace DiPaCo.Training.Benchmarking;

/// <summary>
/// Safetensors against a plain copy of the same file, taken in turn: what the format costs beside the file system.
/// Both go through the page cache; what a disk adds, it adds to both.
/// </summary>
public static class SafeTensorsBenchmark
{
    private const int Tensors = 16;
    private const int Elements = 4 << 20;

    /// <summary>Time of writing and of reading 256 MiB over the time of copying the file, each the best of some rounds.</summary>
    /// <param name="folder">Where the files are made; they are removed again.</param>
    /// <param name="rounds">Rounds.</param>
    public static (double Write, double Read) Measure(string folder, int rounds)
    {
        string path = Path.Combine(folder, "benchmark.safetensors");
        string copy = Path.Combine(folder, "benchmark.copy");
        float[] data = GC.AllocateUninitializedArray<float>(Elements, pinned: true);
        data.AsSpan().Fill(1.5f);
        TensorSpec[] specs = [.. Enumerable.Range(0, Tensors).Select(i => new TensorSpec($"tensor{i}", TensorDType.F32, Elements))];
        double[] best = [double.MaxValue, double.MaxValue, double.MaxValue];
        try
        {
            for (int round = 0; round < rounds; round++)
            {
                File.Delete(path);
                Keep(0, () => Write(path, specs, data));
                File.Delete(copy);
                Keep(1, () => Copy(path, copy));
                Keep(2, () => Read(path, specs, data));
            }
        }
        finally
        {
            File.Delete(path);
            File.Delete(copy);
        }

        return (best[0] / best[1], best[2] / best[1]);

        void Keep(int which, Action action)
        {
            long start = Stopwatch.GetTimestamp();
            action();
            best[which] = Math.Min(best[which], Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
    }

    private static void Write(string path, TensorSpec[] specs, float[] data)
    {
        // As the blob store writes: large ext4 files are much faster with their blocks claimed first.
        using FileStream file = new(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0, PreallocationSize = specs.Sum(spec => spec.ByteLength),
        });
        SafeTensorsWriter writer = new(file, specs);
        foreach (TensorSpec _ in specs)
        {
            writer.Append(MemoryMarshal.AsBytes(data.AsSpan()));
        }

        writer.Complete();
    }

    // In user space: File.Copy may only share blocks on some file systems, which copies nothing.
    private static void Copy(string from, string to)
    {
        using FileStream source = new(from, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        using FileStream target = new(to, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        source.CopyTo(target, 1 << 20);
    }

    private static void Read(string path, TensorSpec[] specs, float[] data)
    {
        using SafeTensorsReader reader = SafeTensorsReader.Open(path);
        foreach (TensorSpec spec in specs)
        {
            reader.ReadInto(spec.Name, data.AsSpan());
        }
    }
}
