using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>The inner steps that a path needs: what its task's specification is made of.</summary>
/// <param name="Path">The path.</param>
/// <param name="Phase">The phase.</param>
/// <param name="Steps">Steps to make, τ.</param>
/// <param name="FirstStep">Steps that were made on the shard before.</param>
/// <param name="Modules">The path's modules at the start, in the order of the path.</param>
/// <param name="Optimizer">AdamW's moments at the start; null: zeros.</param>
public sealed record NeededTraining(PathId Path, Phase Phase, int Steps, long FirstStep, ImmutableArray<ModuleVersion> Modules, BlobHash? Optimizer);
