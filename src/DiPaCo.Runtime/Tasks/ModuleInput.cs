using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>A version of a module as a task reads it.</summary>
/// <param name="Id">Its name, under which a training task returns it.</param>
/// <param name="Parts">What it owns; with the transformer's shape this fixes its buffer.</param>
/// <param name="Blob">Its parameters.</param>
public sealed record ModuleInput(ModuleId Id, ImmutableArray<TransformerPart> Parts, BlobHash Blob);
