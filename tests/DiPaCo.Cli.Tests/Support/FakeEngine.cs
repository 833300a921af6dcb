using System.Collections.Immutable;
using DiPaCo.Cli.Engine;
using DiPaCo.Cluster;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Cli.Tests.Support;

/// <summary>An engine that does what a test says and remembers what it was asked.</summary>
internal sealed class FakeEngine : IRunEngine
{
    public Func<LoadedConfig, string, IRunObserver, CancellationToken, Task<RunResults>> Train { get; init; } =
        (_, _, _, _) => Task.FromResult(SampleRun.Results());

    public RunStatus Status { get; init; } = SampleRun.Status();

    public VerifyResult Verify { get; init; } = new() { ModelDigest = SampleRun.Digest, Blobs = 120, Bytes = 34_000_000 };

    public EvaluationResult Evaluation { get; init; } = new()
    {
        Name = "demo",
        ModelDigest = SampleRun.Digest,
        Documents = 412,
        Evaluation = SampleRun.Results().Evaluation,
        Router = SampleRun.Results().Router,
    };

    public LoadedConfig? Config { get; private set; }

    public string? Folder { get; private set; }

    public ImmutableArray<string> Data { get; private set; }

    public bool Repair { get; private set; }

    public SiloClusterOptions? Cluster { get; private set; }

    public Task<RunResults> TrainAsync(LoadedConfig config, string runFolder, IRunObserver observer, CancellationToken cancellation)
    {
        (Config, Folder) = (config, runFolder);
        Directory.CreateDirectory(runFolder);
        return Train(config, runFolder, observer, cancellation);
    }

    public Task<RunResults> TrainAsync(LoadedConfig config, string runFolder, ITaskMemory others, IRunObserver observer, CancellationToken cancellation) =>
        TrainAsync(config, runFolder, observer, cancellation);

    public Task<RunResults> TrainAsync(LoadedConfig config, string runFolder, SiloClusterOptions cluster, IRunObserver observer, CancellationToken cancellation)
    {
        Cluster = cluster;
        return TrainAsync(config, runFolder, observer, cancellation);
    }

    public Task<RunStatus> StatusAsync(string runFolder, CancellationToken cancellation)
    {
        Folder = runFolder;
        return Task.FromResult(Status);
    }

    public Task<VerifyResult> VerifyAsync(string runFolder, bool repair, IRunObserver observer, CancellationToken cancellation)
    {
        (Folder, Repair) = (runFolder, repair);
        return Task.FromResult(Verify);
    }

    public TokenLedger ReadLedger(string runFolder) => throw new NotSupportedException();

    public Task<ImmutableArray<DocumentConsumption>> ReadDocumentsAsync(string runFolder, PathConsumption line, CancellationToken cancellation) => throw new NotSupportedException();

    public Task<EvaluationResult> EvaluateAsync(string runFolder, ImmutableArray<string> data, IWeightRounding? rounding, IRunObserver observer, CancellationToken cancellation)
    {
        (Folder, Data) = (runFolder, data);
        return Task.FromResult(Evaluation);
    }
}
