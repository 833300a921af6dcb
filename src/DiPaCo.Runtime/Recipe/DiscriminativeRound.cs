using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>
/// One round of discriminative routing (paper §2.4.2): score the router split's documents under every path, learn from their features which
/// path is best, and shard all documents anew.
/// </summary>
/// <param name="session">The run.</param>
/// <param name="topology">The model.</param>
/// <param name="corpus">The corpus.</param>
/// <param name="sharder">Makes the shards.</param>
internal sealed class DiscriminativeRound(RunSession session, ModelTopology topology, PreparedCorpus corpus, Sharder sharder)
{
    /// <summary>Makes a round.</summary>
    /// <param name="model">The paths as they are now.</param>
    /// <param name="routed">The shards so far.</param>
    /// <param name="cancellationToken">Ends the round; finished tasks are kept.</param>
    /// <exception cref="DiPaCoException">There is no document to learn from.</exception>
    public async Task<RoutedCorpus> RunAsync(ServedModel model, RoutedCorpus routed, CancellationToken cancellationToken)
    {
        DiscriminativeOptions options = session.Config.Discriminative;
        int prefix = session.Config.Routing.PrefixTokens;
        ulong lastRank = await new Evaluator(session, topology, routed, corpus).LastRankAsync(Split.Router, options.MaxDocuments, cancellationToken);
        PathScorer scorer = new(topology, spec => RunAsync(spec, cancellationToken));
        ScoreSpec documents = new([], corpus.Chunks, corpus.Tokenizer, Split.Router, lastRank, session.Sequences, Cell: 0);
        ImmutableArray<BlobHash> scored = await scorer.RunAsync(path => model.PathOf(path, session.Config.Transformer.Compute), documents);
        TaskResult fitted = await session.Tasks.RunAsync(
            new DiscriminativeSpec(
                scored, corpus.Chunks, routed.Features, topology.Paths, prefix, options.WeightPenalty),
            null, cancellationToken);
        DiscriminativeMetrics metrics = JsonSerializer.Deserialize<DiscriminativeMetrics>(fitted.Metrics, TaskJson.Options)!;
        RoutedCorpus resharded = await sharder.ReshardAsync(fitted[RouterSpec.Output], routed.Features, cancellationToken);
        session.Note(string.Create(
            CultureInfo.InvariantCulture,
            $"router fitted anew after phase {model.Latest.Phase.Value} on {metrics.Documents:N0} documents, {metrics.Agreement:P0} of which it sends to their best path; shards of {resharded.Sizes.Min(size => size.TrainDocuments):N0} to {resharded.Sizes.Max(size => size.TrainDocuments):N0} documents"));
        return resharded;
    }

    private async Task<TaskResult> RunAsync(ScoreSpec spec, CancellationToken cancellationToken)
    {
        TaskResult result = await session.Tasks.RunAsync(spec, null, cancellationToken);
        if (JsonSerializer.Deserialize<ScoreMetrics>(result.Metrics, TaskJson.Options)!.Documents == 0)
        {
            throw new DiPaCoException(
                $"No document of the router split is longer than the prefix of {session.Config.Routing.PrefixTokens} tokens, so no router can learn from the paths (discriminative.after_phases). "
                + "Give more or longer documents, or a larger data.router_share.");
        }

        return result;
    }
}
