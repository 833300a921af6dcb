using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>The model as it goes through the phases, and which past versions are kept.</summary>
/// <param name="first">The version after the fork.</param>
/// <param name="keepPhases">Past versions kept besides the newest.</param>
internal sealed class PhaseLog(ModelVersion first, int keepPhases)
{
    private readonly List<PhaseValidation> _validation = [];
    private readonly List<OuterGradient> _outerGradients = [];
    private readonly Queue<ModelVersion> _kept = new([first]);

    public ModelVersion Model { get; private set; } = first;

    public TrainMetrics Training { get; private set; } = TrainMetrics.None;

    public IReadOnlyList<PhaseValidation> Validation => _validation;

    public IReadOnlyList<OuterGradient> OuterGradients => _outerGradients;

    /// <summary>Blobs of the versions that are kept.</summary>
    public IEnumerable<BlobHash> Kept => _kept.SelectMany(version => version.Blobs);

    public void Add(PhaseOutcome outcome, double? validationPerplexity)
    {
        if (validationPerplexity is { } perplexity)
        {
            _validation.Add(new PhaseValidation(Model.Phase, perplexity));
        }

        Model = outcome.Model;
        Training += outcome.Training;
        _outerGradients.AddRange(outcome.OuterGradients);
        _kept.Enqueue(Model);
        while (_kept.Count > keepPhases + 1)
        {
            _kept.Dequeue();
        }
    }

    public double? ValidationOf(Phase phase) => _validation.Find(validation => validation.Phase == phase)?.Perplexity;
}
