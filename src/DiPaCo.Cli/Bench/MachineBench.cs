using DiPaCo.Core;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Cli.Bench;

/// <summary>SEAM: the measurements of model and optimizer go here.</summary>
internal sealed class MachineBench : IMachineBench
{
    public Task<BenchResult> MeasureAsync(bool quick, IProgress<string> progress, CancellationToken cancellation) =>
        throw new DiPaCoException("This build has no measurements behind the command line yet.");

    public Task<double> TrainingFlopsPerSecondAsync(RunConfig config, CancellationToken cancellation) => Task.FromResult(5e11);
}
