using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>
/// Which version of each path is served (paper §2.7): the newest, unless an earlier one lost less on the validation documents of the path's
/// own shard by more than a margin. Without one (the paper's rule) a path is often served in an old version by the luck of a few documents, and as
/// long as training helps, the newest is the better guess. A path without such documents is never stopped.
/// </summary>
/// <param name="margin">Standard errors of the difference; 0: none.</param>
internal sealed class EarlyStopping(double margin)
{
    private readonly SortedDictionary<PathId, Best> _best = [];

    /// <summary>
    /// What later versions will be compared with, and served instead of them: each path's best version, which may come to be ahead only later,
    /// and its losses.
    /// </summary>
    public IEnumerable<BlobHash> BlobsOf(ModelTopology topology) => _best.SelectMany(best =>
        topology.ModulesOf(best.Key).Select(module => best.Value.Version.Modules[module.Id]).Append(best.Value.Losses));

    /// <summary>The losses of a path's best version so far; null where none was looked at.</summary>
    public BlobHash? LossesOf(PathId path) => _best.TryGetValue(path, out Best? best) ? best.Losses : null;

    /// <summary>Looks at a path's newest version.</summary>
    /// <param name="path">The path.</param>
    /// <param name="version">The model after a phase.</param>
    /// <param name="losses">Blob of its losses on the path's validation documents.</param>
    /// <param name="sinceBest">By how much it is worse than the best version so far; null where it is the first.</param>
    public void Look(PathId path, ModelVersion version, BlobHash losses, LossDifference? sinceBest)
    {
        if (sinceBest is null || sinceBest.Mean < 0)
        {
            _best[path] = new Best(version, losses, IsAhead: false);
        }
        else
        {
            _best[path] = _best[path] with { IsAhead = sinceBest.IsBeyond(margin) };
        }
    }

    /// <summary>Forgets everything: after the documents were sharded anew, losses on them cannot be compared with earlier ones.</summary>
    public void Restart() => _best.Clear();

    /// <summary>The model to serve.</summary>
    /// <param name="topology">Its paths.</param>
    /// <param name="latest">The newest version.</param>
    public ServedModel Serve(ModelTopology topology, ModelVersion latest) => new(
        topology, latest,
        _best.Where(best => best.Value.IsAhead).ToImmutableSortedDictionary(best => best.Key, best => best.Value.Version));

    /// <summary>A path's best version.</summary>
    /// <param name="Version">The version with the lowest loss, the earliest among equals.</param>
    /// <param name="Losses">Blob of its losses.</param>
    /// <param name="IsAhead">Whether the newest version that was looked at is worse by more than the margin.</param>
    private sealed record Best(ModelVersion Version, BlobHash Losses, bool IsAhead);
}
