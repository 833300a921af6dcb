using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Tests.Support;

/// <summary>A task that a run has computed.</summary>
/// <param name="Spec">What it was asked for.</param>
/// <param name="Result">What it gave.</param>
/// <param name="Parameters">Of an outer step: the flat buffers of everything that it read and wrote. Of other tasks nothing.</param>
internal sealed record ObservedTask(TaskSpec Spec, TaskResult Result, IReadOnlyDictionary<BlobHash, float[]> Parameters);
