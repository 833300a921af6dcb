using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DiPaCo.Model.Kernels.Cpu;
using DiPaCo.Serving.Inference;

namespace DiPaCo.Benchmarks;

/// <summary>Reads a block of memory with all threads, as the reference of what is bound by memory. A chunk is <see cref="Bytes"/>.</summary>
internal unsafe struct ReadBandwidth : IChunkKernel
{
    public const int Bytes = 1 << 18;

    public byte* Memory;
    public float* Sums;
    public bool InEight;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        if (InEight)
        {
            Eight((float*)(Memory + (chunk * Bytes)), worker);
            return;
        }

        float* at = (float*)(Memory + (chunk * Bytes));
        Vector512<float> a = default, b = default, c = default, d = default;
        for (int i = 0; i < Bytes / sizeof(float); i += 64)
        {
            a += Vector512.Load(at + i);
            b += Vector512.Load(at + i + 16);
            c += Vector512.Load(at + i + 32);
            d += Vector512.Load(at + i + 48);
        }

        Sums[worker * 16] += Vector512.Sum(a + b + c + d);
    }

    /// <summary>Eight places side by side, which keeps more lines on their way than one does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Eight(float* at, int worker)
    {
        const int part = Bytes / sizeof(float) / 8;
        Vector512<float> a = default, b = default, c = default, d = default;
        for (int i = 0; i < part; i += 16)
        {
            a += Vector512.Load(at + i) + Vector512.Load(at + (4 * part) + i);
            b += Vector512.Load(at + part + i) + Vector512.Load(at + (5 * part) + i);
            c += Vector512.Load(at + (2 * part) + i) + Vector512.Load(at + (6 * part) + i);
            d += Vector512.Load(at + (3 * part) + i) + Vector512.Load(at + (7 * part) + i);
        }

        Sums[worker * 16] += Vector512.Sum(a + b + c + d);
    }

    /// <summary>Bytes a second, the best of some passes over so many bytes in either way.</summary>
    public static double Measure(ComputePool pool, long bytes)
    {
        using NativeBlock memory = new(bytes);
        using NativeBlock sums = new(64 * pool.Count);
        double best = double.MaxValue;
        for (int pass = 0; pass < 16; pass++)
        {
            double start = Clocks.Wall();
            pool.Run(new ReadBandwidth { Memory = (byte*)memory.Pointer, Sums = sums.Floats, InEight = pass % 2 == 0 }, bytes / Bytes);
            best = Math.Min(best, Clocks.Wall() - start);
        }

        return bytes / best;
    }
}
