using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cluster;

/// <summary>What a silo hosts runs with.</summary>
/// <param name="Runs">The journals.</param>
/// <param name="Blobs">The store that all runs share.</param>
/// <param name="Folder">For small files that follow from journals; this silo's own.</param>
/// <param name="CollectAfter">How long a blob that no run names is kept.</param>
/// <param name="Time">The time.</param>
internal sealed record RunServices(RunTable Runs, IBlobStore Blobs, string Folder, TimeSpan CollectAfter, TimeProvider Time);
