using System.Collections.Immutable;
using DiPaCo.Routing;
using DiPaCo.Serving.Inference;
using DiPaCo.Serving.Models;

namespace DiPaCo.Serving.Scheduling;

/// <summary>
/// Chooses as training routed documents (paper §2.4): the mean of the base model's last hidden states over some tokens, which count as the
/// beginning of a document, goes to the router.
/// </summary>
/// <param name="cache">Room for a prefix; owned.</param>
internal sealed class PrefixChooser(SequenceCache cache) : IDisposable
{
    private LiveModel? _model;
    private ModuleLease? _lease;
    private PathWeights? _weights;
    private double[] _sums = [];
    private ReadOnlyMemory<int> _tokens;
    private int _done;

    /// <summary>Whether it has the weights of a version's base model.</summary>
    public bool HasWeightsOf(LiveModel model) => _lease is not null && _model == model;

    /// <summary>Takes the weights.</summary>
    /// <param name="model">The version whose router chooses.</param>
    /// <param name="lease">Its base model; owned.</param>
    public void Take(LiveModel model, ModuleLease lease)
    {
        LetGo();
        (_model, _lease, _weights) = (model, lease, model.WeightsOf(lease));
        _sums = new double[model.Description.Shape.Width];
    }

    /// <summary>Gives the weights back; for another choice it needs them again.</summary>
    public void LetGo()
    {
        _lease?.Dispose();
        (_lease, _weights) = (null, null);
    }

    /// <summary>Begins a choice.</summary>
    /// <param name="tokens">What the router looks at.</param>
    public void Begin(ReadOnlyMemory<int> tokens)
    {
        _tokens = tokens;
        _done = 0;
        Array.Clear(_sums);
    }

    /// <summary>What is to be computed next; null: the choice can be made.</summary>
    public Slice? Plan(int rows) => _done == _tokens.Length ? null : new Slice
    {
        Path = _weights!, Cache = cache, Position = _done, Tokens = _tokens.Slice(_done, Math.Min(rows, _tokens.Length - _done)), Logits = LogitRows.None, Hidden = true,
    };

    /// <summary>Takes the hidden state of the next position.</summary>
    public void Hidden(ReadOnlySpan<float> hidden)
    {
        // In double precision and in the order of the positions, as training adds up.
        for (int d = 0; d < hidden.Length; d++)
        {
            _sums[d] += hidden[d];
        }

        _done++;
    }

    /// <summary>Makes the choice.</summary>
    public PathChoice Choose()
    {
        ImmutableArray<float> features = [.. _sums.Select(sum => (float)(sum / _done))];
        ImmutableArray<float> scores = _model!.Router.ScoresOf(new RouterInput(FeatureMatrix.Of(features.AsSpan(), features.Length)), 0);
        return PathChoice.Of(_model.Router.Paths, scores, features);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        cache.Dispose();
        LetGo();
    }
}
