using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Model;

/// <summary>A module of a path's stack as a tree of paths sees it.</summary>
/// <param name="Parts">The parts that it owns.</param>
/// <param name="Version">Its parameters: equal versions are equal parameters, whatever expert they belong to.</param>
public sealed record StackModule(ImmutableArray<TransformerPart> Parts, BlobHash Version);
