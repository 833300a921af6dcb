using System.Collections.Immutable;
using DiPaCo.Serving.Inference;
using DiPaCo.Serving.Models;

namespace DiPaCo.Serving.Scheduling;

/// <summary>Chooses by the token router (paper §7.2.2): what it predicts at the last token, with all the text before it in its own cache.</summary>
/// <param name="cache">Room for the whole text; owned. What it holds stays, also while the weights are given back.</param>
internal sealed class TokenChooser(SequenceCache cache) : IDisposable
{
    private LiveModel? _model;
    private ModuleLease? _lease;
    private PathWeights? _weights;
    private ImmutableArray<float> _scores = [];
    private int _filled;

    /// <summary>Whether it has the router's weights.</summary>
    public bool HasWeights => _lease is not null;

    /// <summary>Takes the weights.</summary>
    /// <param name="model">The version, the same every time.</param>
    /// <param name="lease">Its token router, the same every time; owned.</param>
    public void Take(LiveModel model, ModuleLease lease) => (_model, _lease, _weights) = (model, lease, model.WeightsOf(lease));

    /// <summary>Gives the weights back; for another choice it needs them again.</summary>
    public void LetGo()
    {
        _lease?.Dispose();
        (_lease, _weights) = (null, null);
    }

    /// <summary>What is to be computed next to choose behind <paramref name="end"/> tokens; null: the choice can be made.</summary>
    public Slice? Plan(ReadOnlyMemory<int> tokens, int end, int rows)
    {
        int count = Math.Min(rows, end - _filled);
        return count == 0 ? null : new Slice
        {
            Path = _weights!, Cache = cache, Position = _filled, Tokens = tokens.Slice(_filled, count), Logits = _filled + count == end ? LogitRows.Last : LogitRows.None,
        };
    }

    /// <summary>Notes that a slice was computed.</summary>
    public void Advance(int count) => _filled += count;

    /// <summary>Takes the scores of all paths at the last token.</summary>
    public void Logits(ReadOnlySpan<float> scores) => _scores = ImmutableArray.Create(scores);

    /// <summary>Makes the choice.</summary>
    public PathChoice Choose() => PathChoice.Of(_model!.Grid.Topology.Paths, _scores, []);

    /// <inheritdoc/>
    public void Dispose()
    {
        cache.Dispose();
        LetGo();
    }
}
