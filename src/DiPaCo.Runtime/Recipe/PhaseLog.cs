using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>The model as it goes through the phases, and which past versions are kept.</summary>
/// <param name="topology">The model's paths.</param>
/// <param name="first">The version after the fork.</param>
/// <param name="before">What was trained for it: the base model.</param>
/// <param name="routed">The first shards.</param>
/// <param name="recipe">Past versions kept besides the newest, and when a path is served in one of them.</param>
internal sealed class PhaseLog(
    ModelTopology topology, ModelVersion first, TrainMetrics before, RoutedCorpus routed, RecipeOptions recipe)
{
    // A figure for every module and phase of a model of a thousand modules would make results larger than anybody reads.
    private const int MostModules = 64;

    private readonly ImmutableHashSet<ModuleId> _followed =
    [
        .. topology.Modules.OrderByDescending(module => module.Paths.Length).ThenBy(module => module.Id).Take(MostModules).Select(module => module.Id),
    ];

    private readonly List<PhaseValidation> _validation = [];
    private readonly List<OuterGradient> _outerGradients = [];
    private readonly Queue<ModelVersion> _kept = new([first]);

    public ModelVersion Model { get; private set; } = first;

    /// <summary>The shards of the phase that comes next, or came last.</summary>
    public RoutedCorpus Routed { get; private set; } = routed;

    /// <summary>Which paths are served in an earlier version; it knows of none as long as nobody looks.</summary>
    public EarlyStopping Stopping { get; } = new(recipe.EarlyStoppingMargin);

    public ServedModel Served => Stopping.Serve(topology, Model);

    /// <summary>
    /// Every path as it is now, which is what training goes on from. Whoever decides what a path is trained on asks this one, not what is
    /// served: after new shards nothing of earlier versions is left.
    /// </summary>
    public ServedModel Newest => new(topology, Model, ImmutableSortedDictionary<PathId, ModelVersion>.Empty);

    public TrainMetrics Training { get; private set; } = TrainMetrics.None;

    public IReadOnlyList<PhaseValidation> Validation => _validation;

    public IReadOnlyList<OuterGradient> OuterGradients => _outerGradients;

    /// <summary>Blobs of the versions and shards that are kept.</summary>
    public IEnumerable<BlobHash> Kept =>
    [
        .. _kept.SelectMany(version => version.Blobs),
        .. Model.PublishedBlobs,
        .. Served.StoppedPaths.SelectMany(path => path.Modules.Values),
        .. Routed.Blobs,
    ];

    /// <summary>Blobs that further phases may need besides.</summary>
    public IEnumerable<BlobHash> KeptForStopping => Stopping.BlobsOf(topology);

    /// <summary>Adds a phase.</summary>
    /// <param name="outcome">What it brought.</param>
    /// <param name="losses">What each path lost on its validation documents; null where nobody looked.</param>
    public void Add(PhaseOutcome outcome, IReadOnlyDictionary<PathId, EvaluationMetrics>? losses)
    {
        Training += outcome.Training;
        EvaluationMetrics all = (losses?.Values ?? []).Aggregate(EvaluationMetrics.None, (sum, scored) => sum + scored);
        if (all.Tokens > 0)
        {
            _validation.Add(new PhaseValidation(Model.Phase, all.Perplexity)
            {
                Steps = before.Steps + (Training.Steps / topology.Paths.Length),
                TrainingFlops = before.Flops + Training.Flops,
                RoutingFlops = Routed.Flops,
            });
        }

        Model = outcome.Model;
        _outerGradients.AddRange(outcome.OuterGradients.Where(gradient => _followed.Contains(gradient.Module)));
        _kept.Enqueue(Model);
        while (_kept.Count > recipe.KeepPhases + 1)
        {
            _kept.Dequeue();
        }
    }

    /// <summary>Goes on with other shards.</summary>
    public void Reshard(RoutedCorpus routed)
    {
        Routed = routed;
        Stopping.Restart();
    }

    public double? ValidationOf(Phase phase) => _validation.Find(validation => validation.Phase == phase)?.Perplexity;
}
