using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>Held-out losses: of the routed model, every document under its one path; of a dense model, all documents under it.</summary>
/// <param name="session">The run.</param>
/// <param name="topology">The model.</param>
/// <param name="routed">The shards.</param>
/// <param name="tokenizer">The tokenizer's blob.</param>
internal sealed class Evaluator(RunSession session, ModelTopology topology, RoutedCorpus routed, BlobHash tokenizer)
{
    private long _tested;

    /// <summary>Documents of a split that are scored under one model.</summary>
    public long DocumentsOf(Split split, int maxDocuments) => topology.Paths.Sum(path => (long)ShareOf(path, split, maxDocuments));

    /// <summary>Scores a split under the routed model.</summary>
    /// <param name="model">The model's version.</param>
    /// <param name="split">Validation or test.</param>
    /// <param name="maxDocuments">Documents scored at most, spread over the paths in proportion; 0: all.</param>
    /// <param name="cancellationToken">Ends the evaluation.</param>
    public async Task<EvaluationMetrics> RoutedAsync(ServedModel model, Split split, int maxDocuments, CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<PathId, EvaluationMetrics> paths = await PathsAsync(
            path => model.PathOf(path, session.Config.Transformer.Compute), split, maxDocuments, cancellationToken);
        return paths.Values.Aggregate(EvaluationMetrics.None, (sum, scored) => sum + scored);
    }

    /// <summary>Scores the documents of each path under a model of its own.</summary>
    /// <param name="modelOf">The model of a path.</param>
    /// <param name="split">Validation or test.</param>
    /// <param name="maxDocuments">Documents scored at most, all paths together; 0: all.</param>
    /// <param name="cancellationToken">Ends the evaluation.</param>
    public async Task<IReadOnlyDictionary<PathId, EvaluationMetrics>> PathsAsync(
        Func<PathId, PathInput> modelOf, Split split, int maxDocuments, CancellationToken cancellationToken)
    {
        SortedDictionary<PathId, EvaluationMetrics> scored = [];
        foreach (PathId path in topology.Paths)
        {
            scored[path] = await ScoreAsync(modelOf(path), path, split, maxDocuments, cancellationToken);
        }

        return scored;
    }

    /// <summary>Scores the same documents under a dense model.</summary>
    public async Task<EvaluationMetrics> DenseAsync(PathInput model, Split split, int maxDocuments, CancellationToken cancellationToken)
    {
        EvaluationMetrics sum = EvaluationMetrics.None;
        foreach (PathId path in topology.Paths)
        {
            sum += await ScoreAsync(model, path, split, maxDocuments, cancellationToken);
        }

        return sum;
    }

    /// <summary>The table's row of a model.</summary>
    /// <param name="kind">Which model.</param>
    /// <param name="topology">The routed model's modules.</param>
    /// <param name="options">What the routed model's name follows from.</param>
    /// <param name="training">What was trained for it; the steps are those of one path.</param>
    /// <param name="scored">Its losses.</param>
    public static EvaluationRow Row(
        ModelKind kind, ModelTopology topology, TopologyOptions options, TrainMetrics training, EvaluationMetrics scored)
    {
        bool dense = kind != ModelKind.Routed;
        long perPath = topology.ModulesOf(topology.Paths[0]).Sum(module => module.Layout.Parameters);
        return new EvaluationRow
        {
            Kind = kind,
            Model = ModelNames.Of(kind, options),
            Paths = dense ? 1 : topology.Paths.Length,
            ParametersPerPath = perPath,
            ParametersTotal = dense ? perPath : topology.Parameters,
            Steps = training.Steps,
            TrainingTokens = training.Tokens,
            TrainingFlops = training.Flops,
            Perplexity = scored.Perplexity,
            PerplexityWithPrefix = scored.PerplexityWithPrefix,
            BitsPerByte = scored.BitsPerByte,
            ScoredTokens = scored.Tokens,
        };
    }

    private async Task<EvaluationMetrics> ScoreAsync(
        PathInput model, PathId path, Split split, int maxDocuments, CancellationToken cancellationToken)
    {
        int documents = ShareOf(path, split, maxDocuments);
        if (documents == 0)
        {
            return EvaluationMetrics.None;
        }

        EvaluateSpec spec = new(model, routed.Chunks[path], tokenizer, split, session.Sequences, documents);
        if (split == Split.Validation)
        {
            return Read(await session.Tasks.RunAsync(spec, null, cancellationToken));
        }

        EvaluationMetrics scored = Read(await session.RunAsync(spec, Stage.Evaluation, _tested, documents, cancellationToken));
        _tested += documents;
        return scored;
    }

    private int ShareOf(PathId path, Split split, int maxDocuments) =>
        DocumentShare.Of(maxDocuments, DocumentsOf(path, split), topology.Paths.Sum(other => DocumentsOf(other, split)));

    private static EvaluationMetrics Read(TaskResult result) => JsonSerializer.Deserialize<EvaluationMetrics>(result.Metrics, TaskJson.Options)!;

    private long DocumentsOf(PathId path, Split split)
    {
        ShardSize size = routed.SizeOf(path);
        return split == Split.Test ? size.TestDocuments : size.ValidationDocuments;
    }
}
