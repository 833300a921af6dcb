using DiPaCo.Cli.Bench;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Cli.Tests.Support;

/// <summary>Plausible measurements.</summary>
internal sealed class FakeBench : IMachineBench
{
    public bool Quick { get; private set; }

    public Task<BenchResult> MeasureAsync(bool quick, IProgress<string> progress, CancellationToken cancellation)
    {
        Quick = quick;
        progress.Report("matrix products …");
        return Task.FromResult(new BenchResult
        {
            Machine = SampleRun.Machine,
            Gemm = new MatrixRates(2.1e11, 1.3e12),
            Step = [new BenchStep(6_000_000, ComputeType.Bf16, 0.63), new BenchStep(30_000_000, ComputeType.Bf16, 0.72)],
            AdamW = new CopyRatio(1.31),
            Safetensors = new FileRatios(0.41, 0.32, 1.12, 1.05, 1.3),
        });
    }

    public Task<double> TrainingFlopsPerSecondAsync(RunConfig config, CancellationToken cancellation) => Task.FromResult(1e12);
}
