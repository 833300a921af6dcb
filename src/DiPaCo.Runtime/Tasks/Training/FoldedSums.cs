using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>The first contributions to a module's outer step, added up by a <see cref="FoldSpec"/>.</summary>
/// <param name="Blob">Their sums and the squared norms of their deltas: the fold's output.</param>
/// <param name="Weights">Their weights α_i, in order of path ids.</param>
public sealed record FoldedSums(BlobHash Blob, ImmutableArray<double> Weights);
