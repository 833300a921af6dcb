namespace DiPaCo.Runtime.Storage;

/// <summary>A journal that can be made to forget tasks while it is open (<see cref="ForgottenTask"/>).</summary>
public interface IRepairableJournal : ITaskJournal
{
    /// <summary>Takes the place of the journal by one without some tasks, completely or not at all.</summary>
    /// <param name="forget">Keys of tasks to forget.</param>
    /// <param name="drop">Keys of entries that leave no trace.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    Task ForgetAsync(IReadOnlySet<string> forget, IReadOnlySet<string> drop, CancellationToken cancellationToken);
}
