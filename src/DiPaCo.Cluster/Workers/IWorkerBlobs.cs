using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Cluster;

/// <summary>The blobs as a worker uses them: task by task, so that what a task reads stays where it is until the task ends.</summary>
public interface IWorkerBlobs
{
    /// <summary>
    /// Lends the store for one task: files that it gets from there stay until <paramref name="use"/> ends. What it puts may still be on its way
    /// then, so that the next task can be computed meanwhile; it is in the store when this ends.
    /// </summary>
    /// <param name="use">The task.</param>
    /// <param name="ended">Whether it is not wanted any more: then what is on its way is given up.</param>
    Task<T> UseAsync<T>(Func<IBlobStore, Task<T>> use, CancellationToken ended);

    /// <summary>Builds, of the modules that a task is about to read, those that can be built from what is here: less has to be fetched then.</summary>
    /// <param name="modules">The modules.</param>
    /// <param name="cancellationToken">Ends it; what is built stays.</param>
    Task BuildAsync(IEnumerable<BuildableModule> modules, CancellationToken cancellationToken);

    /// <summary>The blobs that are here already, as 64 hexadecimal digits, the last used first: tasks that read them had better come here.</summary>
    /// <param name="most">At most so many.</param>
    IReadOnlyList<string> Newest(int most);
}
