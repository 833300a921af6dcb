using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>
/// Scores documents under all paths of a model (paper §2.4.2), as one task for each module that owns the first block: a worker holds one
/// branch of the tree at a time, and what branches have in common below the first block is only the embedding.
/// </summary>
/// <param name="topology">The model.</param>
/// <param name="isParallel">Whether branches are scored at the same time.</param>
/// <param name="run">Runs or remembers a task.</param>
internal sealed class PathScorer(ModelTopology topology, bool isParallel, Func<ScoreSpec, CancellationToken, Task<TaskResult>> run)
{
    /// <summary>Floating-point operations of all that this one has scored.</summary>
    public double Flops { get; private set; }

    /// <summary>The paths of each task.</summary>
    public static ImmutableArray<ImmutableArray<PathId>> BranchesOf(ModelTopology topology) =>
    [
        .. topology.Paths
            .GroupBy(path => topology.ModulesOf(path).First(module => module.Layout.Parts.Contains(TransformerPart.OfBlock(0))).Id)
            .Select(branch => branch.ToImmutableArray()),
    ];

    /// <summary>Scores documents under every path.</summary>
    /// <param name="pathOf">The paths' modules.</param>
    /// <param name="documents">What to score; its paths are replaced.</param>
    /// <param name="cancellationToken">Ends the scoring; finished tasks are kept.</param>
    /// <returns>The blobs of loss matrices, one a branch: <see cref="LossMatrixCodec.ReadAllAsync"/> makes one matrix of them.</returns>
    public async Task<ImmutableArray<BlobHash>> RunAsync(Func<PathId, PathInput> pathOf, ScoreSpec documents, CancellationToken cancellationToken)
    {
        ImmutableArray<TaskResult> branches = await Each.RunAsync(
            isParallel, BranchesOf(topology),
            (branch, token) => run(documents with { Paths = [.. branch.Select(path => new PathColumn(path, pathOf(path)))] }, token),
            cancellationToken);
        Flops += branches.Sum(TaskFlops.Of);
        return [.. branches.Select(branch => branch[ScoreSpec.Output])];
    }
}
