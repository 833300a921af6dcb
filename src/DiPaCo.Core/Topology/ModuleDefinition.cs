using System.Collections.Immutable;

namespace DiPaCo.Core;

/// <summary>A module: which parts it owns and which paths go through it.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Layout">Its flat buffer.</param>
/// <param name="Paths">The paths through it, in order of their ids; their number is the paper's P_{l,e}.</param>
public sealed record ModuleDefinition(ModuleId Id, ModuleLayout Layout, ImmutableArray<PathId> Paths);
