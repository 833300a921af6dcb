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
    private double _flops;

    /// <summary>Makes a round.</summary>
    /// <param name="model">The paths as they are now.</param>
    /// <param name="routed">The shards so far.</param>
    /// <param name="cancellationToken">Ends the round; finished tasks are kept.</param>
    public async Task<RoutedCorpus> RunAsync(ServedModel model, RoutedCorpus routed, CancellationToken cancellationToken)
    {
        _flops = 0;
        DiscriminativeOptions options = session.Config.Discriminative;
        int prefix = session.Config.Routing.PrefixTokens;
        ulong lastRank = await new Evaluator(session, topology, routed, corpus).LastRankAsync(Split.Router, options.MaxDocuments, cancellationToken);
        Func<PathId, PathInput> pathOf = path => model.PathOf(path, session.Config.Transformer.Compute);
        int candidates = options.Candidates < topology.Paths.Length ? options.Candidates : 0;
        ImmutableArray<BlobHash> scored = await RunSession.NamedAsync(
            string.Create(CultureInfo.InvariantCulture, $"Scoring of the router split under the paths after phase {model.Latest.Phase.Value}"),
            () => candidates == 0
                ? ScoreAllAsync(pathOf, lastRank, cancellationToken)
                : ScoreCandidatesAsync(pathOf, routed, candidates, lastRank, cancellationToken));
        TaskResult fitted = await CountedAsync(
            new DiscriminativeSpec(
                scored, corpus.Chunks, routed.Features, topology.Paths, prefix, options.WeightPenalty)
            {
                Candidates = candidates,
                Folds = options.Folds,
                Prior = options.Prior switch
                {
                    DiscriminativePrior.Generative => routed.FirstRouter,
                    DiscriminativePrior.Previous => routed.Router,
                    _ => null,
                },
                Weighting = options.Weighting,
                Calibration = options.Calibration,
            },
            cancellationToken);
        DiscriminativeMetrics metrics = JsonSerializer.Deserialize<DiscriminativeMetrics>(fitted.Metrics, TaskJson.Options)!;
        RoutedCorpus resharded = await sharder.ReshardAsync(fitted[RouterSpec.Output], routed, cancellationToken);
        session.Note(string.Create(
            CultureInfo.InvariantCulture,
            $"router fitted anew after phase {model.Latest.Phase.Value} on {metrics.Documents:N0} documents, {metrics.Agreement:P0} of which it sends to {(candidates == 0 ? "their best path" : $"the best of {candidates} candidates")}; shards of {resharded.Sizes.Min(size => size.TrainDocuments):N0} to {resharded.Sizes.Max(size => size.TrainDocuments):N0} documents"));
        return resharded with { Flops = routed.Flops + _flops };
    }

    private async Task<ImmutableArray<BlobHash>> ScoreAllAsync(Func<PathId, PathInput> pathOf, ulong lastRank, CancellationToken cancellationToken)
    {
        PathScorer scorer = new(topology, session.Tasks.IsParallel, (spec, token) => session.Tasks.RunAsync(spec, null, token));
        ScoreSpec documents = new([], corpus.Chunks, corpus.Tokenizer, Split.Router, lastRank, session.Sequences, Cell: 0);
        ImmutableArray<BlobHash> losses = await scorer.RunAsync(pathOf, documents, cancellationToken);
        _flops += scorer.Flops;
        return losses;
    }

    /// <summary>One task a branch, as for all paths; a document is in those in which it has a candidate.</summary>
    private async Task<ImmutableArray<BlobHash>> ScoreCandidatesAsync(
        Func<PathId, PathInput> pathOf, RoutedCorpus routed, int candidates, ulong lastRank, CancellationToken cancellationToken)
    {
        ImmutableArray<TaskResult> branches = await session.ForEachAsync(
            PathScorer.BranchesOf(topology),
            (branch, token) => session.Tasks.RunAsync(
                new CandidateSpec(
                    [.. branch.Select(path => new PathColumn(path, pathOf(path)))],
                    corpus.Chunks, routed.Features, routed.Router, candidates, Split.Router, lastRank, session.Sequences),
                null, token),
            cancellationToken);
        _flops += branches.Sum(TaskFlops.Of);
        return [.. branches.Select(branch => branch[CandidateSpec.Output])];
    }

    /// <summary>Runs a task of the round and counts what it took.</summary>
    private async Task<TaskResult> CountedAsync(TaskSpec spec, CancellationToken cancellationToken)
    {
        TaskResult result = await session.Tasks.RunAsync(spec, null, cancellationToken);
        _flops += TaskFlops.Of(result);
        return result;
    }
}
