using System.Diagnostics.CodeAnalysis;

namespace DiPaCo.Runtime.Storage;

/// <summary>What all journals have in common: the entries in memory, their order and their checksums. Where a line is kept is the kind's own.</summary>
public abstract class ChainedJournal : ITaskJournal, IDisposable
{
    private readonly string _place;
    private readonly SemaphoreSlim _appending = new(1);
    private readonly Lock _lock = new();
    private readonly List<JournalEntry> _entries;
    private readonly Dictionary<string, JournalEntry> _byKey;
    private string _checksum;

    /// <summary>Begins with what is kept already.</summary>
    /// <param name="place">Where it is kept, for messages.</param>
    /// <param name="contents">What is kept there.</param>
    private protected ChainedJournal(string place, JournalContents contents)
    {
        _place = place;
        _entries = [.. contents.Entries];
        _byKey = _entries.ToDictionary(entry => entry.Key, StringComparer.Ordinal);
        _checksum = contents.Checksum;
    }

    /// <inheritdoc/>
    public IReadOnlyList<JournalEntry> Entries
    {
        get
        {
            lock (_lock)
            {
                return [.. _entries];
            }
        }
    }

    /// <inheritdoc/>
    public bool TryGet(string key, [NotNullWhen(true)] out JournalEntry? entry)
    {
        lock (_lock)
        {
            return _byKey.TryGetValue(key, out entry);
        }
    }

    /// <inheritdoc/>
    public async Task AppendAsync(JournalEntry entry, CancellationToken cancellationToken)
    {
        await _appending.WaitAsync(cancellationToken);
        try
        {
            if (TryGet(entry.Key, out JournalEntry? recorded))
            {
                ThrowIfContradicted(recorded, entry);
                return;
            }

            if (TryGet(ForgottenTask.KeyOf(entry.Key), out JournalEntry? forgotten))
            {
                ThrowIfContradicted(forgotten with { Key = entry.Key, Kind = entry.Kind }, entry);
            }

            byte[] line = JournalLine.Format(entry, _checksum, out string checksum);
            await KeepAsync(line, entry, cancellationToken);
            _checksum = checksum;
            lock (_lock)
            {
                _entries.Add(entry);
                _byKey.Add(entry.Key, entry);
            }

            Kept();
        }
        finally
        {
            _appending.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Keeps a line for good, or throws.</summary>
    /// <param name="line">The line, with its end.</param>
    /// <param name="entry">What it says.</param>
    /// <param name="cancellationToken">Ends the waiting before it is begun.</param>
    protected abstract Task KeepAsync(ReadOnlyMemory<byte> line, JournalEntry entry, CancellationToken cancellationToken);

    /// <summary>Has the lines of a journal without some tasks kept in the place of those that there are.</summary>
    private protected async Task ReplaceAsync(
        IReadOnlySet<string> forget, IReadOnlySet<string> drop, Func<IReadOnlyList<byte[]>, Task> keep, CancellationToken cancellationToken)
    {
        await _appending.WaitAsync(cancellationToken);
        try
        {
            byte[][] lines = [.. ForgottenTask.Lines(Entries, forget, drop)];
            await keep(lines);
            JournalContents contents = JournalContents.Read(_place, lines.SelectMany(line => line).ToArray());
            _checksum = contents.Checksum;
            lock (_lock)
            {
                _entries.Clear();
                _entries.AddRange(contents.Entries);
                _byKey.Clear();
                foreach (JournalEntry entry in contents.Entries)
                {
                    _byKey.Add(entry.Key, entry);
                }
            }
        }
        finally
        {
            _appending.Release();
        }
    }

    /// <summary>Told after a line counts.</summary>
    protected virtual void Kept()
    {
    }

    /// <summary>Closes what the kind has opened.</summary>
    protected virtual void Dispose(bool disposing) => _appending.Dispose();

    private void ThrowIfContradicted(JournalEntry recorded, JournalEntry entry)
    {
        if (!recorded.AgreesWith(entry))
        {
            throw new StorageException(
                _place,
                $"The task '{entry.Key}' ({entry.Kind}) was computed again and gave other bytes than '{_place}' records. A task must give the same bytes every time: "
                + "the text that the run read, the machine, its number format settings or the version of dipaco may have changed. "
                + "Restore the text, continue on the kind of machine that the run began on, or train into another folder (--run).");
        }
    }
}
