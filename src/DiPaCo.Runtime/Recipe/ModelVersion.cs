using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>The whole model between two phases: blobs only, nobody holds the parameters.</summary>
/// <param name="Phase">The phase that starts from it.</param>
/// <param name="Modules">Every module's parameters.</param>
/// <param name="Momenta">Every module's outer momentum; none before its first outer step.</param>
/// <param name="Optimizers">Every path's AdamW moments; none before its first phase, and in synchronous training.</param>
internal sealed record ModelVersion(
    Phase Phase,
    ImmutableSortedDictionary<ModuleId, BlobHash> Modules,
    ImmutableSortedDictionary<ModuleId, BlobHash> Momenta,
    ImmutableSortedDictionary<PathId, BlobHash> Optimizers)
{
    /// <summary>Steps that each path has made, on whatever shard; nothing for those without any.</summary>
    public ImmutableSortedDictionary<PathId, int> StepsMade { get; init; } = ImmutableSortedDictionary<PathId, int>.Empty;

    /// <summary>AdamW's moments of all modules, in synchronous training.</summary>
    public BlobHash? GridOptimizer { get; init; }

    /// <summary>What the next phase's paths train from, of those modules where it is not the parameters themselves.</summary>
    public ImmutableSortedDictionary<ModuleId, PublishedVersion> Published { get; init; } = ImmutableSortedDictionary<ModuleId, PublishedVersion>.Empty;

    /// <summary>The blobs of <see cref="Published"/> that workers may fetch. The base of a difference is none of them: who has it not fetches the whole.</summary>
    public IEnumerable<BlobHash> PublishedBlobs => Published.Values.SelectMany(version => version.Delta is { } delta ? new[] { version.Blob, delta.Blob } : [version.Blob]);

    public IEnumerable<BlobHash> Blobs =>
        [.. Modules.Values, .. Momenta.Values, .. Optimizers.Values, .. GridOptimizer is { } state ? [state] : Array.Empty<BlobHash>()];

    /// <summary>Steps that a path has made, on whatever shard.</summary>
    public int StepsOf(PathId path) => StepsMade.GetValueOrDefault(path);

    /// <summary>The digest of a list of modules, whatever their order.</summary>
    public static string DigestOf(IEnumerable<(string Module, BlobHash Blob)> modules)
    {
        StringBuilder list = new();
        foreach ((string module, BlobHash blob) in modules.OrderBy(entry => entry.Module, StringComparer.Ordinal))
        {
            list.Append(module).Append(' ').Append(blob.Hex).Append('\n');
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(list.ToString())));
    }

    public PathInput PathOf(ModelTopology topology, PathId path, Core.Configuration.ComputeType compute) => new(
        topology.Shape, compute,
        [.. topology.ModulesOf(path).Select(module => new ModuleInput(module.Id, module.Layout.Parts, Modules[module.Id]))]);
}
