using System.Diagnostics.CodeAnalysis;

namespace DiPaCo.Runtime.Storage;

/// <summary>
/// A run's memory: which tasks are finished and which blobs they made. Entries are only ever appended, by one writer at a time, and each
/// is chained to the one before by a checksum. What is not here did not happen, whatever blobs there are.
/// </summary>
public interface ITaskJournal
{
    /// <summary>The finished tasks in the order in which they finished, as of now.</summary>
    IReadOnlyList<JournalEntry> Entries { get; }

    /// <summary>Finds a finished task.</summary>
    bool TryGet(string key, [NotNullWhen(true)] out JournalEntry? entry);

    /// <summary>
    /// Records a finished task, whose outputs must be durable. On return the record is, too. Appending what is recorded
    /// already does nothing. Calls from several threads wait for each other.
    /// </summary>
    /// <param name="entry">The task.</param>
    /// <param name="cancellationToken">Ends the waiting; an append that has begun is completed.</param>
    /// <exception cref="StorageException">The record cannot be made, or the task is recorded with other inputs or outputs.</exception>
    /// <exception cref="MissingBlobException">An output is not there any more: in a store that several runs share nobody knew that it was wanted.</exception>
    Task AppendAsync(JournalEntry entry, CancellationToken cancellationToken);
}
