using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>
/// Scores documents under all paths of a model (paper §2.4.2), as one task for each module that owns the first block: a worker holds one
/// branch of the tree at a time, and what branches have in common below the first block is only the embedding.
/// </summary>
/// <param name="topology">The model.</param>
/// <param name="store">Holds the tasks' outputs.</param>
/// <param name="run">Runs or remembers a task.</param>
internal sealed class PathScorer(ModelTopology topology, IBlobStore store, Func<ScoreSpec, Task<TaskResult>> run)
{
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
    /// <returns>One matrix with a column for each path.</returns>
    public async Task<LossMatrix> ScoreAsync(Func<PathId, PathInput> pathOf, ScoreSpec documents, CancellationToken cancellationToken)
    {
        List<LossMatrix> parts = [];
        foreach (TaskResult result in await RunAsync(pathOf, documents))
        {
            parts.Add(LossMatrixCodec.Read(await store.GetFileAsync(result[ScoreSpec.Output], cancellationToken)));
        }

        return LossMatrix.Join(parts);
    }

    /// <summary>The same without reading the matrix: the results of the tasks, whose blobs hold the columns of one branch each.</summary>
    public async Task<ImmutableArray<TaskResult>> RunAsync(Func<PathId, PathInput> pathOf, ScoreSpec documents)
    {
        ImmutableArray<TaskResult>.Builder results = ImmutableArray.CreateBuilder<TaskResult>();
        foreach (ImmutableArray<PathId> branch in BranchesOf(topology))
        {
            ScoreSpec spec = documents with { Paths = [.. branch.Select(path => new PathColumn(path, pathOf(path)))] };
            results.Add(await run(spec));
        }

        return results.ToImmutable();
    }
}
