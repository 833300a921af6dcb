using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>
/// Scores each path's newest version on the validation documents of its own shard, and compares it with its best one (paper §2.7). All of
/// them count, up to <c>evaluation.max_stopping_documents_per_path</c>: the sample that follows the whole model's perplexity through a run has only
/// a few documents of each path.
/// </summary>
/// <param name="session">The run.</param>
/// <param name="topology">The model.</param>
/// <param name="corpus">The corpus.</param>
internal sealed class StoppingCheck(RunSession session, ModelTopology topology, PreparedCorpus corpus)
{
    /// <summary>Looks at a version.</summary>
    /// <param name="model">The model after a phase.</param>
    /// <param name="routed">The shards that it was trained on.</param>
    /// <param name="stopping">Is told of every path that has validation documents.</param>
    /// <param name="cancellationToken">Ends the check; finished tasks are kept.</param>
    public async Task LookAsync(ModelVersion model, RoutedCorpus routed, EarlyStopping stopping, CancellationToken cancellationToken)
    {
        PathId[] paths = [.. topology.Paths.Where(path => routed.SizeOf(path).ValidationDocuments > 0)];
        ImmutableArray<(BlobHash Losses, LossDifference? SinceBest)> looks = await session.ForEachAsync(
            paths,
            async (path, token) =>
            {
                BlobHash losses = await ScoreAsync(model, routed, path, token);
                return (losses, stopping.LossesOf(path) is { } best ? await CompareAsync(best, losses, token) : null);
            },
            cancellationToken);
        foreach ((PathId path, (BlobHash losses, LossDifference? sinceBest)) in paths.Zip(looks))
        {
            stopping.Look(path, model, losses, sinceBest);
        }
    }

    private async Task<BlobHash> ScoreAsync(ModelVersion model, RoutedCorpus routed, PathId path, CancellationToken cancellationToken)
    {
        HeldOutSpec chosen = new(
            routed.Chunks[path], Split.Validation, session.Sequences.PrefixTokens, session.Config.Evaluation.MaxStoppingDocumentsPerPath);
        HeldOutMetrics documents = Read<HeldOutMetrics>(await session.Tasks.RunAsync(chosen, null, cancellationToken));
        ScoreSpec spec = new(
            [new PathColumn(path, model.PathOf(topology, path, session.Config.Transformer.Compute))],
            routed.Chunks[path], corpus.Tokenizer, Split.Validation, documents.LastRank, session.Sequences, Cell: 0);
        TaskResult scored = await RunSession.NamedAsync(
            string.Create(CultureInfo.InvariantCulture, $"Evaluation of path {path} after phase {model.Phase.Value}"),
            () => session.Tasks.RunAsync(spec, null, cancellationToken));
        return scored[ScoreSpec.Output];
    }

    private async Task<LossDifference> CompareAsync(BlobHash earlier, BlobHash later, CancellationToken cancellationToken) =>
        Read<LossDifference>(await session.Tasks.RunAsync(new LossDifferenceSpec(earlier, later), null, cancellationToken));

    private static T Read<T>(TaskResult result) => JsonSerializer.Deserialize<T>(result.Metrics, TaskJson.Options)!;
}
