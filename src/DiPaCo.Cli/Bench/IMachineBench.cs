using DiPaCo.Core.Configuration;

namespace DiPaCo.Cli.Bench;

/// <summary>Measures this machine.</summary>
internal interface IMachineBench
{
    /// <summary>Runs all measurements; <paramref name="quick"/> takes fewer repetitions. One line to <paramref name="progress"/> before each.</summary>
    Task<BenchResult> MeasureAsync(bool quick, IProgress<string> progress, CancellationToken cancellation);

    /// <summary>Floating-point operations per second that training of this configuration can be expected to reach here, for plans.</summary>
    Task<double> TrainingFlopsPerSecondAsync(RunConfig config, CancellationToken cancellation);
}
