namespace DiPaCo.Cluster;

/// <summary>The blobs that a worker used last, a bounded number: what the dispatcher is told, so that tasks go where their inputs are.</summary>
/// <param name="most">How many are remembered.</param>
internal sealed class RecentInputs(int most)
{
    private readonly LinkedList<string> _order = new();
    private readonly Dictionary<string, LinkedListNode<string>> _nodes = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    /// <summary>Remembers a use.</summary>
    public void Add(string hash)
    {
        lock (_lock)
        {
            if (_nodes.Remove(hash, out LinkedListNode<string>? node))
            {
                _order.Remove(node);
            }

            _nodes[hash] = _order.AddFirst(hash);
            if (_order.Count > most)
            {
                _nodes.Remove(_order.Last!.Value);
                _order.RemoveLast();
            }
        }
    }

    /// <summary>The hashes, newest first.</summary>
    public IReadOnlyList<string> Newest()
    {
        lock (_lock)
        {
            return [.. _order];
        }
    }
}
