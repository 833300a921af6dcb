using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model.Native;
using DiPaCo.Runtime;
using DiPaCo.Runtime.Storage;
using DiPaCo.Training.Benchmarking;

namespace DiPaCo.Cli.Bench;

/// <summary>Measures with the code that <c>benchmarks/</c> measures with, on all cores.</summary>
internal sealed class MachineBench : IMachineBench
{
    private const int Sequences = 16;
    private const int Length = 256;

    public Task<BenchResult> MeasureAsync(bool quick, IProgress<string> progress, CancellationToken cancellation) =>
        Task.Run(() => MachineAsync(quick, progress, cancellation), cancellation);

    public Task<double> TrainingFlopsPerSecondAsync(RunConfig config, CancellationToken cancellation) => Task.Run(
        () =>
        {
            Prepare(config.Threads);

            // Steps of a small path, whatever the run's: how much of the rate of products they reach differs more between machines than between paths.
            StepRatio measured = StepBenchmark.Measure(BenchmarkShapes.Small, config.Transformer.Compute, Sequences, Length, pairs: 2);
            return measured.StepRate;
        },
        cancellation);

    private static async Task<BenchResult> MachineAsync(bool quick, IProgress<string> progress, CancellationToken cancellation)
    {
        Prepare(threads: 0);
        progress.Report("matrix products …");
        double fp32 = GemmRate.Measure(ComputeType.Fp32);
        double bf16 = GemmRate.Measure(ComputeType.Bf16);
        ImmutableArray<BenchStep>.Builder steps = ImmutableArray.CreateBuilder<BenchStep>();
        foreach (TransformerShape shape in new[] { BenchmarkShapes.Small, BenchmarkShapes.Large })
        {
            foreach (ComputeType type in new[] { ComputeType.Fp32, ComputeType.Bf16 })
            {
                cancellation.ThrowIfCancellationRequested();
                progress.Report($"training step of {shape.MatrixParameters / 1e6:0} M parameters in {type.ToString().ToLowerInvariant()} …");
                StepRatio measured = StepBenchmark.Measure(shape, type, Sequences, Length, quick ? 2 : 10);
                steps.Add(new BenchStep(measured.Parameters, measured.Type, measured.Ratio));
            }
        }

        cancellation.ThrowIfCancellationRequested();
        progress.Report("AdamW …");
        double adamW = AdamWBenchmark.Measure(BenchmarkShapes.Large, quick ? 3 : 10);
        cancellation.ThrowIfCancellationRequested();
        progress.Report("safetensors …");
        SafeTensorsRatios files = await FilesAsync(quick ? 2 : 5);
        return new BenchResult
        {
            Machine = MachineInfo.Of(Environment.ProcessorCount, "cpu", ComputeType.Bf16) with { MatrixFlopsPerSecond = bf16 },
            Gemm = new MatrixRates(fp32, bf16),
            Step = steps.ToImmutable(),
            AdamW = new CopyRatio(adamW),
            Safetensors = new FileRatios(files.WriteOverCopy, files.ReadOverCopy, files.Write, files.Read, files.Put),
        };
    }

    private static async Task<SafeTensorsRatios> FilesAsync(int rounds)
    {
        string folder = Directory.CreateTempSubdirectory("dipaco-bench-").FullName;
        try
        {
            return await SafeTensorsBenchmark.MeasureAsync(folder, rounds, BlobStoreBenchmark.PutAsync);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Prepare(int threads)
    {
        TorchLibrary.Initialize();
        TorchThreads.Set(threads > 0 ? threads : Environment.ProcessorCount);
    }
}
