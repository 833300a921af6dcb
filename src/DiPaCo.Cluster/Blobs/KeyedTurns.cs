namespace DiPaCo.Cluster.Blobs;

/// <summary>
/// One holder at a time for each key. Nobody is kept waiting by a holder that has died without being noticed, such as a cut
/// connection: a holder can be told that somebody else wants its turn.
/// </summary>
internal sealed class KeyedTurns<TKey>
    where TKey : notnull
{
    private readonly Dictionary<TKey, Entry> _entries = [];

    /// <summary>Waits for the turn.</summary>
    /// <param name="key">What is held.</param>
    /// <param name="takeOver">Whether the present holder is told to give up its turn.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<Turn> TakeAsync(TKey key, bool takeOver, CancellationToken cancellationToken)
    {
        Entry entry;
        Turn? holder;
        lock (_entries)
        {
            if (!_entries.TryGetValue(key, out entry!))
            {
                _entries[key] = entry = new Entry();
            }

            entry.Users++;
            holder = entry.Holder;
        }

        try
        {
            if (takeOver)
            {
                holder?.AskFor();
            }

            await entry.Gate.WaitAsync(cancellationToken);
        }
        catch
        {
            Leave(key, entry);
            throw;
        }

        var turn = new Turn(this, key, entry);
        lock (_entries)
        {
            entry.Holder = turn;
        }

        return turn;
    }

    private void Leave(TKey key, Entry entry)
    {
        lock (_entries)
        {
            if (--entry.Users == 0)
            {
                _entries.Remove(key);
                entry.Gate.Dispose();
            }
        }
    }

    /// <summary>The turn; disposing it passes it on.</summary>
    internal sealed class Turn : IDisposable
    {
        private readonly KeyedTurns<TKey> _owner;
        private readonly TKey _key;
        private readonly Entry _entry;
        private readonly CancellationTokenSource _wanted = new();

        internal Turn(KeyedTurns<TKey> owner, TKey key, Entry entry)
        {
            _owner = owner;
            _key = key;
            _entry = entry;
        }

        /// <summary>Is cancelled when somebody else wants the turn.</summary>
        public CancellationToken Wanted => _wanted.Token;

        /// <summary>Tells the holder. One that is through already is not disturbed.</summary>
        public void AskFor() => _wanted.Cancel();

        /// <inheritdoc/>
        public void Dispose()
        {
            lock (_owner._entries)
            {
                _entry.Holder = null;
            }

            // The source is not disposed: somebody may be about to ask, and without a timer it holds nothing.
            _entry.Gate.Release();
            _owner.Leave(_key, _entry);
        }
    }

    internal sealed class Entry
    {
        public SemaphoreSlim Gate { get; } = new(1, 1);

        public int Users { get; set; }

        public Turn? Holder { get; set; }
    }
}
