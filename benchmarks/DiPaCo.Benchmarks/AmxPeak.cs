using System.Runtime.InteropServices;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model;
using DiPaCo.Model.Buffers;
using DiPaCo.Model.Kernels;
using DiPaCo.Model.Kernels.Cpu;
using DiPaCo.Model.Kernels.Cpu.Amx;
using DiPaCo.Training.Benchmarking;
using TorchSharp;

namespace DiPaCo.Benchmarks;

internal static unsafe class AmxPeak
{
    public static void Print()
    {
        foreach ((int r, int c, int d) in new[] { (1, 1, 8), (1, 1, 32), (8, 8, 8), (8, 8, 16), (4, 32, 8), (4, 32, 16), (8, 8, 32), (16, 8, 16) })
        {
            Console.Write($"{r} {c} {d}: one {One(r, c, d, false):F0} rounded {One(r, c, d, true):F0};");
            double[] both = new double[2];
            Thread[] ts = [.. Enumerable.Range(0, 2).Select(t => new Thread(() => both[t] = One(r, c, d, false)))];
            foreach (Thread t in ts) t.Start();
            foreach (Thread t in ts) t.Join();
            Console.WriteLine($" two {both[0]:F0} + {both[1]:F0} GFLOP/s");
        }
        using GemmRate product = new(ComputeType.Bf16);
        Console.WriteLine($"gemm {Enumerable.Range(0, 20).Max(_ => product.Once(Clocks.Wall)) / 1e9:F0}");
        using IKernels kernels = CpuKernels.Create(BenchmarkShapes.Small, ComputeType.Bf16);
        foreach ((int n, int k) in new[] { (768, 256), (256, 256), (1376, 256), (256, 688), (1536, 512), (2752, 512), (512, 1376) })
        {
            const int M = 4096;
            using PathBuffers buffers = new(n * k, n * k, ComputeType.Bf16, torch.CPU);
            using Parameter w = new(new NamedTensor("w", n, k, 0), 0, buffers);
            buffers.Compute.Clear();
            using TensorBuffer x = new(k, torch.ScalarType.BFloat16, torch.CPU, M);
            using TensorBuffer y = new(n, torch.ScalarType.BFloat16, torch.CPU, M);
            x.Clear(); y.Clear();
            double flops = 2.0 * M * n * k;
            double T(Action a) { double best = 1e9; for (int i = 0; i < 60; i++) { double t = Clocks.Wall(); a(); best = Math.Min(best, Clocks.Wall() - t); } return flops / best / 1e9; }
            Console.WriteLine($"{n} x {k}: forward {T(() => kernels.Multiply(x, w, y)):F0} back {T(() => kernels.MultiplyBack(y, w, x)):F0} gradient {T(() => kernels.AddWeightGradient(y, x, w)):F0}; torch {T(() => y.Value.addmm_(x.Value, w.ComputeTransposed, beta: 0, alpha: 1)):F0} gradient {T(() => w.Product.addmm_(y.Transposed, x.Value, beta: 0, alpha: 1)):F0}");
        }
    }

    private static double One(int r, int c, int d, bool rounded)
    {
        int rows = 32 * r, cols = 32 * c, depth = 32 * d;
        int aRow = depth * 2;
        byte* a = (byte*)NativeMemory.AlignedAlloc((nuint)(rows * aRow), 4096);
        byte* b = (byte*)NativeMemory.AlignedAlloc((nuint)(depth * cols * 2), 4096);
        byte* cc = (byte*)NativeMemory.AlignedAlloc((nuint)(rows * cols * 4), 4096);
        byte* room = (byte*)NativeMemory.AlignedAlloc(4096, 4096);
        new Span<byte>(a, rows * aRow).Clear();
        new Span<byte>(b, depth * cols * 2).Clear();
        new Span<byte>(cc, rows * cols * 4).Clear();
        AmxOperands o = new() { A = a, ARow = aRow, ABlock = 32 * aRow, B = b, BRow = 128, BBlock = depth * 64, C = cc, CRow = cols * (rounded ? 2 : 4), RowBlocks = r, ColumnBlocks = c, DepthBlocks = d, Room = room };
        double best = 1e9;
        int n = Math.Max(1, 40000 / (r * c * d));
        for (int s = 0; s < 60; s++)
        {
            double t0 = Clocks.Wall();
            for (int i = 0; i < n; i++) { if (rounded) AmxProduct.MultiplyRounded(o); else AmxProduct.Multiply(o); }
            best = Math.Min(best, Clocks.Wall() - t0);
        }
        return 2.0 * 32768 * r * c * d * n / best / 1e9;
    }
}
