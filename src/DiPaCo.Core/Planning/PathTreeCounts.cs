using System.Collections.Immutable;

namespace DiPaCo.Core.Planning;

/// <summary>
/// What scoring under all paths of a topology costs (paper §2.4.2): they are evaluated as a tree, in which paths share what they have in
/// common from the embedding on. Two levels of K experts make K + K² evaluations of a module instead of 2·K².
/// </summary>
/// <remarks>
/// Modules count as different where their names are. Under early stopping paths may be served in different versions of one module, and
/// then share less.
/// </remarks>
/// <param name="ModuleEvaluations">How often the parts of a module are computed for one batch.</param>
/// <param name="FlopsPerToken">Floating-point operations of one token under all paths.</param>
internal sealed record PathTreeCounts(long ModuleEvaluations, double FlopsPerToken)
{
    /// <summary>Counts.</summary>
    /// <param name="topology">The paths.</param>
    /// <param name="sequenceLength">Tokens of a sequence.</param>
    public static PathTreeCounts Of(ModelTopology topology, int sequenceLength)
    {
        ImmutableArray<Dictionary<TransformerPart, ModuleId>> owners =
        [
            .. topology.Paths.Select(path => topology.ModulesOf(path)
                .SelectMany(module => module.Layout.Parts.Select(part => (part, module.Id)))
                .ToDictionary(owned => owned.part, owned => owned.Id)),
        ];

        // One task for each module that owns the first block: tasks share nothing, be it only the look-up in one embedding.
        ModuleId[] firstBlocks = [.. owners.Select(owner => owner[TransformerPart.OfBlock(0)])];
        int[] branchOf = [.. firstBlocks.Select(module => Array.IndexOf(firstBlocks, module))];
        long evaluations = 0;
        double flops = 0;
        TransformerPart? below = null;
        foreach (TransformerPart part in TransformerPart.All(topology.Shape.Blocks))
        {
            // Paths are on one branch as long as they were on one below and have the same module here.
            Dictionary<(int Below, ModuleId Module), int> branches = [];
            for (int path = 0; path < branchOf.Length; path++)
            {
                (int, ModuleId) branch = (branchOf[path], owners[path][part]);
                branches.TryAdd(branch, branches.Count);
                branchOf[path] = branches[branch];
            }

            // All paths divide the stack alike. A module that goes on from part to part is one evaluation.
            bool begins = below is not { } lower || owners[0][lower] != owners[0][part];
            evaluations += begins ? branches.Count : 0;
            flops += branches.Count * topology.Shape.ForwardFlopsPerToken(part, sequenceLength);
            below = part;
        }

        return new PathTreeCounts(evaluations, flops);
    }
}
