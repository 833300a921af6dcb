using System.Collections.Immutable;
using DiPaCo.Cluster;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Cli.Engine;

/// <summary>The runtime behind the command line.</summary>
/// <param name="clock">For durations.</param>
internal sealed class RuntimeEngine(TimeProvider clock) : IRunEngine
{
    private readonly RunEngine _engine = new(clock);

    public Task<RunResults> TrainAsync(LoadedConfig config, string runFolder, IRunObserver observer, CancellationToken cancellation) =>
        _engine.TrainAsync(config, runFolder, observer, cancellation);

    public Task<RunResults> TrainAsync(LoadedConfig config, string runFolder, ITaskMemory others, IRunObserver observer, CancellationToken cancellation) =>
        new RunEngine(clock) { Others = others }.TrainAsync(config, runFolder, observer, cancellation);

    public Task<RunResults> TrainAsync(LoadedConfig config, string runFolder, SiloClusterOptions cluster, IRunObserver observer, CancellationToken cancellation) =>
        new RunEngine(clock) { Cluster = new SiloCluster(cluster, clock) }.TrainAsync(config, runFolder, observer, cancellation);

    public Task<RunStatus> StatusAsync(string runFolder, CancellationToken cancellation) => RunEngine.StatusAsync(runFolder, cancellation);

    public Task<VerifyResult> VerifyAsync(string runFolder, bool repair, IRunObserver observer, CancellationToken cancellation) =>
        _engine.VerifyAsync(runFolder, repair, observer, cancellation);

    public TokenLedger ReadLedger(string runFolder) => RunEngine.ReadLedger(runFolder);

    public Task<ImmutableArray<DocumentConsumption>> ReadDocumentsAsync(string runFolder, PathConsumption line, CancellationToken cancellation) =>
        RunEngine.ReadDocumentsAsync(runFolder, line, cancellation);

    public Task<EvaluationResult> EvaluateAsync(
        string runFolder, ImmutableArray<string> data, IWeightRounding? rounding, IRunObserver observer, CancellationToken cancellation) =>
        _engine.EvaluateAsync(runFolder, data, observer, cancellation, rounding);
}
