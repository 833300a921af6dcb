using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime;

/// <summary>Computes nothing: where a run is only to be walked over what is remembered of it, or as far as the user's files.</summary>
internal sealed class NothingToCompute : ITaskExecutor
{
    public Task<TaskResult> ExecuteAsync(TaskSpec spec, IBlobStore store, IProgress<TaskStep>? progress, CancellationToken cancellationToken) =>
        throw new DiPaCoException($"The journal of this run lacks a task of the kind '{spec.Kind}', so the run is not complete. Fetch it again, or begin it anew.");
}
