using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Recipe;

/// <summary>A path that is served as it was at its best, not as it is now.</summary>
/// <param name="Path">The path.</param>
/// <param name="PhasesDone">Phases that had ended then.</param>
/// <param name="Modules">Blob of each of its modules at that time, by the module's name.</param>
internal sealed record StoppedPath(PathId Path, int PhasesDone, ImmutableSortedDictionary<string, BlobHash> Modules);
