using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Rules;

namespace DiPaCo.Runtime.Simulations;

/// <summary>Blobs on a worker's disk, the least recently used of which make room.</summary>
/// <param name="capacity">Bytes.</param>
internal sealed class SimulatedCache(double capacity)
{
    private readonly LinkedList<TaskInput> _order = new();
    private readonly Dictionary<BlobHash, LinkedListNode<TaskInput>> _nodes = [];
    private double _bytes;
    private bool _hasNews = true;

    /// <summary>Bytes that have to be fetched of blobs that are not here.</summary>
    public double Missing(ImmutableArray<TaskInput> inputs) => inputs.Sum(input => (double)input.Missing(_nodes.ContainsKey));

    /// <summary>Blobs were used here.</summary>
    public void Add(IEnumerable<TaskInput> blobs)
    {
        foreach (TaskInput blob in blobs)
        {
            if (_nodes.Remove(blob.Blob, out LinkedListNode<TaskInput>? known))
            {
                _order.Remove(known);
                _bytes -= known.Value.Bytes;
            }

            _nodes[blob.Blob] = _order.AddFirst(blob);
            _bytes += blob.Bytes;
        }

        while (_bytes > capacity && _order.Last is { } oldest)
        {
            _order.RemoveLast();
            _nodes.Remove(oldest.Value.Blob);
            _bytes -= oldest.Value.Bytes;
        }

        _hasNews = true;
    }

    /// <summary>The list is to be told again.</summary>
    public void SayAll() => _hasNews = true;

    /// <summary>What is here, newest first, if that has changed since it was last told; null: as before.</summary>
    public ImmutableArray<BlobHash>? TakeNews()
    {
        if (!_hasNews)
        {
            return null;
        }

        _hasNews = false;
        return [.. _order.Select(blob => blob.Blob)];
    }
}
