using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>The model as it is evaluated and served: every path as it is now, or, under early stopping, as it was at its best (paper §2.7).</summary>
/// <param name="Topology">Its modules and paths.</param>
/// <param name="Latest">The newest version.</param>
/// <param name="Stopped">The version of each path that did better before.</param>
internal sealed record ServedModel(ModelTopology Topology, ModelVersion Latest, ImmutableSortedDictionary<PathId, ModelVersion> Stopped)
{
    /// <summary>SHA-256 over the sorted list of module id and blob hash, those of stopped paths under a name of their own.</summary>
    public string Digest => DigestOf(Latest.Modules.Select(module => (module.Key.Name, module.Value)), StoppedPaths);

    /// <summary>The paths that are served in an earlier version, in order of their ids.</summary>
    public ImmutableArray<StoppedPath> StoppedPaths =>
    [
        .. Stopped.Select(stopped => new StoppedPath(
            stopped.Key, stopped.Value.Phase.Value,
            Topology.ModulesOf(stopped.Key).ToImmutableSortedDictionary(module => module.Id.Name, module => stopped.Value.Modules[module.Id], StringComparer.Ordinal))),
    ];

    /// <summary>The version in which a path is served.</summary>
    public ModelVersion VersionOf(PathId path) => Stopped.TryGetValue(path, out ModelVersion? best) ? best : Latest;

    /// <summary>A path in terms of tasks.</summary>
    public PathInput PathOf(PathId path, ComputeType compute) => VersionOf(path).PathOf(Topology, path, compute);

    /// <summary>The digest of a list of modules and of stopped paths.</summary>
    public static string DigestOf(IEnumerable<(string Module, BlobHash Blob)> modules, IEnumerable<StoppedPath> stopped) => ModelVersion.DigestOf(
    [
        .. modules,
        .. stopped.SelectMany(path => path.Modules.Select(module => (FormattableString.Invariant($"path{path.Path.Value}/{module.Key}"), module.Value))),
    ]);
}
