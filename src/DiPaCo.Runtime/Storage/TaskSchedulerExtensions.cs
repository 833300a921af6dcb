namespace DiPaCo.Runtime.Storage;

/// <summary>Work for a given scheduler.</summary>
internal static class TaskSchedulerExtensions
{
    /// <summary>Runs a function there.</summary>
    /// <param name="scheduler">Where.</param>
    /// <param name="function">The function.</param>
    /// <param name="cancellationToken">Keeps it from beginning.</param>
    public static Task<T> RunAsync<T>(this TaskScheduler scheduler, Func<T> function, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(function, cancellationToken, TaskCreationOptions.DenyChildAttach, scheduler);
}
