using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Runtime.Tasks;

/// <summary>A whole path (or dense model) as a task reads it.</summary>
/// <param name="Shape">The transformer.</param>
/// <param name="Compute">Arithmetic of its matrix products.</param>
/// <param name="Modules">Its modules in the order of the stack.</param>
public sealed record PathInput(TransformerShape Shape, ComputeType Compute, ImmutableArray<ModuleInput> Modules)
{
    /// <summary>The blobs of the modules.</summary>
    public IEnumerable<BlobHash> Blobs => Modules.Select(module => module.Blob);
}
