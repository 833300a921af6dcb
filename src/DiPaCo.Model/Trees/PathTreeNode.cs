using System.Collections.Immutable;

namespace DiPaCo.Model;

/// <summary>A run of parts that some paths have in common, after everything below it.</summary>
/// <param name="FirstPart">First part of the run; parts are counted from the embedding, 0, over the blocks to the head.</param>
/// <param name="EndPart">The part after its last one.</param>
/// <param name="Modules">Places in the stack of the modules that own the run's parts.</param>
/// <param name="Paths">The paths through it, ascending.</param>
/// <param name="Children">How they go on from here; empty where the run ends with the head.</param>
public sealed record PathTreeNode(
    int FirstPart, int EndPart, ImmutableArray<int> Modules, ImmutableArray<int> Paths, ImmutableArray<PathTreeNode> Children);
