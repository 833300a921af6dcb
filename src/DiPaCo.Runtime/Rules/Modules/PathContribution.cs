using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>What a path brings to the next version of a module.</summary>
/// <param name="Path">The path.</param>
/// <param name="Module">The module.</param>
/// <param name="Phase">The phase that the path has trained: version <c>Phase + 1</c> is made of it.</param>
/// <param name="Blob">θ_i: the module's parameters at the end of the path's phase.</param>
/// <param name="Weight">Its weight among the module's paths, before they are normalised.</param>
public sealed record PathContribution(PathId Path, ModuleId Module, Phase Phase, BlobHash Blob, double Weight);
