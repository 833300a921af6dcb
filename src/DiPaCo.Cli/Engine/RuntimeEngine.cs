using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime;

namespace DiPaCo.Cli.Engine;

/// <summary>SEAM: the runtime's recipe goes here. Until then every verb that touches a run says so.</summary>
internal sealed class RuntimeEngine : IRunEngine
{
    public Task<RunResults> TrainAsync(LoadedConfig config, string runFolder, IRunObserver observer, CancellationToken cancellation) => throw Missing();

    public Task<RunStatus> StatusAsync(string runFolder, CancellationToken cancellation) => throw Missing();

    public Task<VerifyResult> VerifyAsync(string runFolder, bool repair, IRunObserver observer, CancellationToken cancellation) => throw Missing();

    public Task<EvaluationResult> EvaluateAsync(string runFolder, ImmutableArray<string> data, IRunObserver observer, CancellationToken cancellation) => throw Missing();

    private static DiPaCoException Missing() => new("This build has no runtime behind the command line yet.");
}
