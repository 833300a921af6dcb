using DiPaCo.Runtime.Storage;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Knows the outputs of tasks that others have computed: a task is a pure function, so an equal one needs not be computed again.</summary>
public interface ITaskMemory
{
    /// <summary>The outputs of a task, brought into <paramref name="store"/>; null where nobody has computed it.</summary>
    /// <param name="spec">The task.</param>
    /// <param name="store">Where its blobs are wanted.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    Task<TaskResult?> FindAsync(TaskSpec spec, IBlobStore store, CancellationToken cancellationToken);

    /// <summary>The part of the memory that was computed on a kind of device: another kind rounds differently.</summary>
    /// <param name="device"><c>cpu</c> or <c>cuda</c>.</param>
    ITaskMemory OnDevice(string device);
}
