using System.Diagnostics;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Training.Benchmarking;

namespace DiPaCo.Benchmarks;

/// <summary>The process's memory while a path is trained: what it holds per parameter, and whether it grows.</summary>
internal static class MemoryTable
{
    public static void Print(int steps)
    {
        TransformerShape shape = BenchmarkShapes.Small;
        long before = Resident();
        using StepBenchmark benchmark = new(shape, ComputeType.Bf16, sequences: 2, length: 64);
        Repeat(benchmark, 10);
        long early = Resident();
        Repeat(benchmark, steps);
        long late = Resident();
        Console.WriteLine($"{benchmark.Parameters / 1e6:0.0} M parameters, bf16, 128 tokens a step: {Mebibytes(early - before)} MiB beyond the empty process after 10 steps "
            + $"({(double)(early - before) / benchmark.Parameters:0.0} bytes per parameter, activations and libtorch's own included), {Mebibytes(late - early):+0;-0;0} MiB more after {steps:N0} further steps");
    }

    private static void Repeat(StepBenchmark benchmark, int steps)
    {
        for (int step = 0; step < steps; step++)
        {
            benchmark.Once();
        }
    }

    private static long Resident()
    {
        GC.Collect();
        using Process process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    private static long Mebibytes(long bytes) => bytes >> 20;
}
