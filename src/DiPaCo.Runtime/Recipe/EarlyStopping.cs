using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>
/// Which version of each path is the best so far: that with the lowest loss on the validation documents of the path's own shard,
/// the earliest among equals (paper §2.7). A path without such documents is never stopped.
/// </summary>
internal sealed class EarlyStopping
{
    private readonly SortedDictionary<PathId, (double Loss, ModelVersion Version)> _best = [];

    /// <summary>Looks at a version.</summary>
    /// <param name="version">The model after a phase.</param>
    /// <param name="losses">What each path lost on its own validation documents.</param>
    public void Look(ModelVersion version, IReadOnlyDictionary<PathId, EvaluationMetrics> losses)
    {
        foreach ((PathId path, EvaluationMetrics scored) in losses)
        {
            if (scored.Tokens == 0)
            {
                continue;
            }

            double loss = scored.Loss / scored.Tokens;
            if (!_best.TryGetValue(path, out (double Loss, ModelVersion Version) best) || loss < best.Loss)
            {
                _best[path] = (loss, version);
            }
        }
    }

    /// <summary>Forgets everything: after the documents were sharded anew, losses on them cannot be compared with earlier ones.</summary>
    public void Restart() => _best.Clear();

    /// <summary>The model to serve.</summary>
    /// <param name="topology">Its paths.</param>
    /// <param name="latest">The newest version.</param>
    public ServedModel Serve(ModelTopology topology, ModelVersion latest) => new(
        topology, latest,
        _best.Where(best => best.Value.Version.Phase != latest.Phase)
            .ToImmutableSortedDictionary(best => best.Key, best => best.Value.Version));
}
