using System.Collections.Immutable;
using DiPaCo.Cluster;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Cli.Engine;

/// <summary>
/// The seam between the command line and the runtime: everything that touches a run's folder.
/// Mistakes of the user are <see cref="DiPaCoException"/>; cancellation is <see cref="OperationCanceledException"/>,
/// thrown once everything begun is safe on disk.
/// </summary>
internal interface IRunEngine
{
    /// <summary>
    /// Trains, or goes on where an earlier session stopped; returns the results of a finished run at once.
    /// Writes configuration, blobs, <c>metrics.jsonl</c> and <c>results.json</c>. The report is the caller's.
    /// </summary>
    Task<RunResults> TrainAsync(LoadedConfig config, string runFolder, IRunObserver observer, CancellationToken cancellation);

    /// <summary>The same, where other runs may have computed some of its tasks already.</summary>
    Task<RunResults> TrainAsync(LoadedConfig config, string runFolder, ITaskMemory others, IRunObserver observer, CancellationToken cancellation);

    /// <summary>The same on a cluster: tasks are computed by workers, of this process and of others.</summary>
    Task<RunResults> TrainAsync(LoadedConfig config, string runFolder, SiloClusterOptions cluster, IRunObserver observer, CancellationToken cancellation);

    /// <summary>How far a run is.</summary>
    Task<RunStatus> StatusAsync(string runFolder, CancellationToken cancellation);

    /// <summary>Re-hashes everything; with <paramref name="repair"/> sets damaged parts aside so that <c>train</c> makes them anew.</summary>
    Task<VerifyResult> VerifyAsync(string runFolder, bool repair, IRunObserver observer, CancellationToken cancellation);

    /// <summary>What each path has learned from, phase by phase.</summary>
    TokenLedger ReadLedger(string runFolder);

    /// <summary>The documents behind a line of the ledger.</summary>
    Task<ImmutableArray<DocumentConsumption>> ReadDocumentsAsync(string runFolder, PathConsumption line, CancellationToken cancellation);

    /// <summary>Measures the held-out perplexity again: on the run's own test split, or on <paramref name="data"/> if it names any files.</summary>
    /// <remarks>With a <paramref name="rounding"/> the routed model is measured once more, with its weights rounded so.</remarks>
    Task<EvaluationResult> EvaluateAsync(string runFolder, ImmutableArray<string> data, IWeightRounding? rounding, IRunObserver observer, CancellationToken cancellation);
}
