using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cluster;

/// <summary>The blobs as a worker uses them: task by task, so that what a task reads stays where it is until the task ends.</summary>
public interface IWorkerBlobs
{
    /// <summary>
    /// Lends the store for one task: files that it gets from there stay until <paramref name="use"/> ends. What it puts may still be on its way
    /// then, so that the next task can be computed meanwhile; it is in the store when this ends.
    /// </summary>
    /// <param name="use">The task.</param>
    Task<T> UseAsync<T>(Func<IBlobStore, Task<T>> use);

    /// <summary>The blobs that are here already, as 64 hexadecimal digits, the last used first: tasks that read them had better come here.</summary>
    /// <param name="most">At most so many.</param>
    IReadOnlyList<string> Newest(int most);
}
