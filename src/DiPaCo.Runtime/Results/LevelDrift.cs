using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime;

/// <summary>How far the modules of one layout, such as the experts of a level, are from the base model and from each other at the end.</summary>
/// <param name="Modules">The modules.</param>
/// <param name="FromBase">Distance of each from the base model, over the base model's norm.</param>
/// <param name="Distance">Distance of each pair, over the base model's norm, row by row.</param>
/// <param name="Cosine">Cosine between what two modules have changed since the fork, row by row.</param>
public sealed record LevelDrift(
    ImmutableArray<ModuleId> Modules, ImmutableArray<double> FromBase, ImmutableArray<double> Distance, ImmutableArray<double> Cosine);
