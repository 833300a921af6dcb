using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>A path of a synchronous step.</summary>
/// <param name="Path">The path.</param>
/// <param name="Modules">Its modules, in the order of the stack.</param>
/// <param name="Weights">Weight α of its gradient in each of them; those of all paths through a module add up to 1.</param>
/// <param name="Shard">Its token chunks.</param>
public sealed record SynchronousPath(PathId Path, ImmutableArray<ModuleId> Modules, ImmutableArray<double> Weights, ImmutableArray<BlobHash> Shard);
