using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Serving.Grids;

/// <summary>A path that is served as it was at its best, under early stopping (paper §2.7).</summary>
/// <param name="Path">The path.</param>
/// <param name="PhasesDone">Phases that had ended then.</param>
/// <param name="Modules">Blob of each of its modules at that time, by the module's name.</param>
public sealed record GridStoppedPath(PathId Path, int PhasesDone, ImmutableSortedDictionary<string, BlobHash> Modules);
