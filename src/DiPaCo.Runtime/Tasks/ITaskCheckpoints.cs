using DiPaCo.Runtime.Storage;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Keeps the state of a task under way from time to time, so that a process that ends without a warning costs the steps since then and no more.
/// When that happens reaches no result.
/// </summary>
public interface ITaskCheckpoints
{
    /// <summary>Whether the state is to be kept now; asked between two steps.</summary>
    bool IsDue { get; }

    /// <summary>Keeps the state. That it cannot, for example because the disk is full, is no reason for the task to end.</summary>
    /// <param name="save">Writes the state.</param>
    /// <param name="cancellationToken">Ends the task.</param>
    Task KeepAsync(Func<IBlobSink, CancellationToken, Task<InnerState>> save, CancellationToken cancellationToken);
}
