using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>What one path brings to a module's outer step.</summary>
/// <param name="Path">The path.</param>
/// <param name="Blob">θ_i: the module's parameters at the end of the path's phase, or the encoded delta that leads there.</param>
/// <param name="Weight">α_i; the weights of a module add up to 1.</param>
public sealed record Contribution(PathId Path, BlobHash Blob, double Weight);
