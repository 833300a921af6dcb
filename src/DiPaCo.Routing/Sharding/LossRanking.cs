namespace DiPaCo.Routing;

/// <summary>The documents that would lose least by a move to a path: a bounded list of the best, whatever the order they come in.</summary>
/// <param name="capacity">Documents kept.</param>
internal sealed class LossRanking(int capacity)
{
    // The worst of those kept comes out first.
    private readonly PriorityQueue<Entry, Entry> _entries = new(Comparer<Entry>.Create((a, b) => b.CompareTo(a)));

    /// <summary>What is kept, in no particular order.</summary>
    public IEnumerable<Entry> Entries => _entries.UnorderedItems.Select(item => item.Element);

    /// <summary>Offers a document.</summary>
    public void Offer(Entry entry)
    {
        if (_entries.Count < capacity)
        {
            _entries.Enqueue(entry, entry);
        }
        else if (_entries.Count > 0 && entry.CompareTo(_entries.Peek()) < 0)
        {
            _entries.EnqueueDequeue(entry, entry);
        }
    }

    /// <summary>A possible move.</summary>
    /// <param name="Loss">Score under the present path minus score under the new one.</param>
    /// <param name="Document">The document.</param>
    /// <param name="Path">Column of the new path.</param>
    /// <param name="Score">Score under the new path.</param>
    internal readonly record struct Entry(float Loss, int Document, int Path, float Score) : IComparable<Entry>
    {
        public int CompareTo(Entry other) => (Loss, Document, Path).CompareTo((other.Loss, other.Document, other.Path));
    }
}
