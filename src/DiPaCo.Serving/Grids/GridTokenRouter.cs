using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Serving.Grids;

/// <summary>A router that chooses a path at every token (paper §2.4.3).</summary>
/// <param name="Blob">Its parameters: a transformer whose outputs are the paths.</param>
/// <param name="Windows">The windows W, in tokens, that it was trained for.</param>
public sealed record GridTokenRouter(BlobHash Blob, ImmutableArray<int> Windows);
