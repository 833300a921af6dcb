using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Recipe;

/// <summary>A token router.</summary>
/// <param name="Blob">Its parameters.</param>
/// <param name="Windows">The windows W that it serves.</param>
/// <param name="Flops">Floating-point operations of scoring its documents under every path and of training it.</param>
internal sealed record TrainedTokenRouter(BlobHash Blob, ImmutableArray<int> Windows, double Flops);
