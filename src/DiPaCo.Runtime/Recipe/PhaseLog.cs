using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>The model as it goes through the phases, and which past versions are kept.</summary>
/// <param name="topology">The model's paths.</param>
/// <param name="first">The version after the fork.</param>
/// <param name="routed">The first shards.</param>
/// <param name="keepPhases">Past versions kept besides the newest.</param>
/// <param name="stopsEarly">Whether each path is served in its best version.</param>
internal sealed class PhaseLog(ModelTopology topology, ModelVersion first, RoutedCorpus routed, int keepPhases, bool stopsEarly)
{
    private readonly List<PhaseValidation> _validation = [];
    private readonly List<OuterGradient> _outerGradients = [];
    private readonly Queue<ModelVersion> _kept = new([first]);
    private readonly EarlyStopping _stopping = new();

    public ModelVersion Model { get; private set; } = first;

    /// <summary>The shards of the phase that comes next, or came last.</summary>
    public RoutedCorpus Routed { get; private set; } = routed;

    public ServedModel Served => _stopping.Serve(topology, Model);

    public TrainMetrics Training { get; private set; } = TrainMetrics.None;

    public IReadOnlyList<PhaseValidation> Validation => _validation;

    public IReadOnlyList<OuterGradient> OuterGradients => _outerGradients;

    /// <summary>Blobs of the versions and shards that are kept.</summary>
    public IEnumerable<BlobHash> Kept =>
    [
        .. _kept.SelectMany(version => version.Blobs),
        .. Served.StoppedPaths.SelectMany(path => path.Modules.Values),
        .. Routed.Blobs,
    ];

    /// <summary>Adds a phase.</summary>
    /// <param name="outcome">What it brought.</param>
    /// <param name="losses">What each path lost on its validation documents; null where nobody looked.</param>
    public void Add(PhaseOutcome outcome, IReadOnlyDictionary<PathId, EvaluationMetrics>? losses)
    {
        EvaluationMetrics all = (losses?.Values ?? []).Aggregate(EvaluationMetrics.None, (sum, scored) => sum + scored);
        if (all.Tokens > 0)
        {
            _validation.Add(new PhaseValidation(Model.Phase, all.Perplexity));
        }

        Model = outcome.Model;
        if (stopsEarly && losses is not null)
        {
            _stopping.Look(Model, losses);
        }

        Training += outcome.Training;
        _outerGradients.AddRange(outcome.OuterGradients);
        _kept.Enqueue(Model);
        while (_kept.Count > keepPhases + 1)
        {
            _kept.Dequeue();
        }
    }

    /// <summary>Goes on with other shards.</summary>
    public void Reshard(RoutedCorpus routed)
    {
        Routed = routed;
        _stopping.Restart();
    }

    public double? ValidationOf(Phase phase) => _validation.Find(validation => validation.Phase == phase)?.Perplexity;
}
