using System.Collections.Immutable;
using DiPaCo.Serving.Inference;
using DiPaCo.Serving.Models;

namespace DiPaCo.Serving.Scheduling;

/// <summary>Chooses by the token router (paper §7.2.2): what it predicts at the last token, with all the text before it in its own cache.</summary>
/// <param name="model">The model.</param>
/// <param name="lease">The token router; owned.</param>
/// <param name="cache">Room for the whole text; owned.</param>
internal sealed class TokenChooser(LiveModel model, ModuleLease lease, SequenceCache cache) : IDisposable
{
    private readonly PathWeights _weights = model.WeightsOf(lease);
    private ImmutableArray<float> _scores = [];
    private int _filled;

    /// <summary>What is to be computed next to choose behind <paramref name="end"/> tokens; null: the choice can be made.</summary>
    public Slice? Plan(ReadOnlyMemory<int> tokens, int end, int rows)
    {
        int count = Math.Min(rows, end - _filled);
        return count == 0 ? null : new Slice
        {
            Path = _weights, Cache = cache, Position = _filled, Tokens = tokens.Slice(_filled, count), Logits = _filled + count == end ? LogitRows.Last : LogitRows.None,
        };
    }

    /// <summary>Notes that a slice was computed.</summary>
    public void Advance(int count) => _filled += count;

    /// <summary>Takes the scores of all paths at the last token.</summary>
    public void Logits(ReadOnlySpan<float> scores) => _scores = ImmutableArray.Create(scores);

    /// <summary>Makes the choice.</summary>
    public PathChoice Choose() => PathChoice.Of(model.Grid.Topology.Paths, _scores, []);

    /// <inheritdoc/>
    public void Dispose()
    {
        cache.Dispose();
        lease.Dispose();
    }
}
