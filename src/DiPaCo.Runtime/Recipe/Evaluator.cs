using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>
/// Held-out losses: of the routed model, every document under its one path; of a dense model, all documents under it. Which documents
/// they are follows from the corpus alone, so models of different topologies can be compared.
/// </summary>
/// <param name="session">The run.</param>
/// <param name="topology">The model.</param>
/// <param name="routed">The shards.</param>
/// <param name="corpus">The corpus before it was routed.</param>
internal sealed class Evaluator(RunSession session, ModelTopology topology, RoutedCorpus routed, PreparedCorpus corpus)
{
    private readonly StageCount _tested = new();

    /// <summary>Documents of a split that are scored under one model.</summary>
    public long DocumentsOf(Split split, int maxDocuments)
    {
        long all = topology.Paths.Sum(path => DocumentsOf(path, split));
        return maxDocuments == 0 ? all : Math.Min(all, maxDocuments);
    }

    /// <summary>How often the test split is scored for what all paths together are asked for.</summary>
    public int BranchesOf(EvaluationOptions options) =>
        options.ScoresEveryPath() ? PathScorer.BranchesOf(topology).Length : 0;

    /// <summary>Scores a split under the routed model, the documents of each path under it.</summary>
    /// <param name="model">The model's version.</param>
    /// <param name="split">Validation or test.</param>
    /// <param name="maxDocuments">Documents scored at most, all paths together; 0: all.</param>
    /// <param name="cancellationToken">Ends the evaluation.</param>
    public async Task<IReadOnlyDictionary<PathId, EvaluationMetrics>> RoutedAsync(
        ServedModel model, Split split, int maxDocuments, CancellationToken cancellationToken)
    {
        ulong lastRank = await LastRankAsync(split, maxDocuments, cancellationToken);
        PathId[] paths = [.. topology.Paths.Where(path => DocumentsOf(path, split) > 0)];
        ImmutableArray<EvaluationMetrics> scored = await session.ForEachAsync(
            paths, (path, token) => RunSession.NamedAsync(
                string.Create(CultureInfo.InvariantCulture, $"Evaluation of path {path} after phase {model.VersionOf(path).Phase.Value}"),
                () => ScoreAsync(model.PathOf(path, session.Config.Transformer.Compute), routed.Chunks[path], split, lastRank, token)),
            cancellationToken);
        return paths.Zip(scored).ToImmutableSortedDictionary(path => path.First, path => path.Second);
    }

    /// <summary>Scores the same documents under a dense model, which needs no shards for it.</summary>
    /// <param name="kind">Which one.</param>
    /// <param name="model">The model.</param>
    /// <param name="split">Validation or test.</param>
    /// <param name="maxDocuments">Documents scored at most; 0: all.</param>
    /// <param name="cancellationToken">Ends the evaluation.</param>
    public Task<EvaluationMetrics> DenseAsync(ModelKind kind, PathInput model, Split split, int maxDocuments, CancellationToken cancellationToken) =>
        RunSession.NamedAsync(
            $"Evaluation of '{ModelNames.Of(kind, session.Config.Topology)}'",
            async () => await ScoreAsync(model, corpus.Chunks, split, await LastRankAsync(split, maxDocuments, cancellationToken), cancellationToken));

    /// <summary>Scores the test split under every path.</summary>
    /// <param name="model">The model's version.</param>
    /// <param name="cell">Tokens of a cell; 0: whole documents.</param>
    /// <param name="maxDocuments">Documents scored at most; 0: all.</param>
    /// <param name="cancellationToken">Ends the evaluation.</param>
    /// <returns>The blobs of loss matrices, which together have every path.</returns>
    public async Task<ImmutableArray<BlobHash>> EveryPathAsync(ServedModel model, int cell, int maxDocuments, CancellationToken cancellationToken)
    {
        ulong lastRank = await LastRankAsync(Split.Test, maxDocuments, cancellationToken);
        PathScorer scorer = new(topology, session.Tasks.IsParallel, (spec, token) => session.RunAsync(spec, Stage.Evaluation, _tested, DocumentsIn, token));
        ScoreSpec spec = new([], corpus.Chunks, corpus.Tokenizer, Split.Test, lastRank, session.TestSequences, cell);
        return await RunSession.NamedAsync(
            "Scoring of the test split under every path",
            () => scorer.RunAsync(path => model.PathOf(path, session.Config.Transformer.Compute), spec, cancellationToken));

        static long DocumentsIn(TaskResult result) => JsonSerializer.Deserialize<ScoreMetrics>(result.Metrics, TaskJson.Options)!.Documents;
    }

    /// <summary>The largest rank that is scored (<see cref="HeldOutRank"/>).</summary>
    public async Task<ulong> LastRankAsync(Split split, int maxDocuments, CancellationToken cancellationToken)
    {
        if (maxDocuments == 0)
        {
            return HeldOutRank.All;
        }

        HeldOutSpec spec = new(corpus.Chunks, split, session.Sequences.PrefixTokens, maxDocuments);
        TaskResult chosen = await session.Tasks.RunAsync(spec, null, cancellationToken);
        return JsonSerializer.Deserialize<HeldOutMetrics>(chosen.Metrics, TaskJson.Options)!.LastRank;
    }

    /// <summary>The table's row of a model.</summary>
    /// <param name="kind">Which model.</param>
    /// <param name="topology">The routed model's modules.</param>
    /// <param name="options">What the routed model's name follows from.</param>
    /// <param name="cost">What it took to make.</param>
    /// <param name="scored">Its losses.</param>
    /// <exception cref="DiPaCoException">A loss is not finite, or too large for a perplexity.</exception>
    public static EvaluationRow Row(
        ModelKind kind, ModelTopology topology, TopologyOptions options, TrainingCost cost, EvaluationMetrics scored)
    {
        if (!scored.AreSound())
        {
            throw new DiPaCoException(string.Create(
                CultureInfo.InvariantCulture,
                $"'{ModelNames.Of(kind, options)}' has a loss of {scored.Loss / scored.Tokens} nats a token, which has no finite perplexity. {LossTally.Advice}"));
        }

        bool dense = kind is ModelKind.DenseEqualSteps or ModelKind.DenseEqualFlops or ModelKind.DenseBase;
        long perPath = topology.ModulesOf(topology.Paths[0]).Sum(module => module.Layout.Parameters);
        return new EvaluationRow
        {
            Kind = kind,
            Model = ModelNames.Of(kind, options),
            Paths = dense ? 1 : topology.Paths.Length,
            ParametersPerPath = perPath,
            ParametersTotal = dense ? perPath : topology.Parameters,
            Steps = cost.Training.Steps,
            TrainingTokens = cost.Training.Tokens,
            TrainingFlops = cost.Training.Flops,
            RoutingFlops = cost.RoutingFlops,
            Perplexity = scored.Perplexity,
            PerplexityWithPrefix = scored.PerplexityWithPrefix,
            BitsPerByte = scored.BitsPerByte,
            BitsPerByteWithPrefix = scored.BitsPerByteWithPrefix,
            ScoredTokens = scored.Tokens,
        };
    }

    /// <summary>How the router divides the scored documents.</summary>
    /// <param name="topology">The paths.</param>
    /// <param name="scored">What each path scored; nothing for paths without a document.</param>
    /// <param name="bounds">What the oracle does; null where it is not known.</param>
    public static RouterQuality QualityOf(
        ModelTopology topology, IReadOnlyDictionary<PathId, EvaluationMetrics> scored, RouterBoundsMetrics? bounds) =>
        RouterQuality.Of([.. topology.Paths.Select(path => scored.GetValueOrDefault(path)?.Documents ?? 0)], bounds?.Agreements);

    /// <summary>Adds up what several paths scored.</summary>
    public static EvaluationMetrics Sum(IEnumerable<EvaluationMetrics> scored) =>
        scored.Aggregate(EvaluationMetrics.None, (sum, part) => sum + part);

    /// <summary>Reads the metrics of a <see cref="RouterBoundsSpec"/>.</summary>
    public static RouterBoundsMetrics BoundsOf(TaskResult result) => JsonSerializer.Deserialize<RouterBoundsMetrics>(result.Metrics, TaskJson.Options)!;

    /// <summary>The rows of a random and an all-knowing router.</summary>
    public static ImmutableArray<EvaluationRow> BoundRows(
        ModelTopology topology, TopologyOptions options, TrainingCost cost, RouterBoundsMetrics bounds) =>
    [
        Row(ModelKind.RoutedRandom, topology, options, cost, bounds.Random),
        Row(ModelKind.RoutedOracle, topology, options, cost, bounds.Oracle),
    ];

    private async Task<EvaluationMetrics> ScoreAsync(
        PathInput model, ImmutableArray<BlobHash> chunks, Split split, ulong lastRank, CancellationToken cancellationToken)
    {
        EvaluateSpec spec = new(model, chunks, corpus.Tokenizer, split, split == Split.Test ? session.TestSequences : session.Sequences, lastRank);
        if (split == Split.Validation)
        {
            return Read(await session.Tasks.RunAsync(spec, null, cancellationToken));
        }

        return Read(await session.RunAsync(spec, Stage.Evaluation, _tested, result => Read(result).Documents, cancellationToken));
    }

    // A run that older code has evaluated remembers results that are none.
    private static EvaluationMetrics Read(TaskResult result)
    {
        EvaluationMetrics scored = JsonSerializer.Deserialize<EvaluationMetrics>(result.Metrics, TaskJson.Options)!;
        scored.ThrowUnlessSound();
        return scored;
    }

    private long DocumentsOf(PathId path, Split split)
    {
        ShardSize size = routed.SizeOf(path);
        return split == Split.Test ? size.TestDocuments : size.ValidationDocuments;
    }
}
