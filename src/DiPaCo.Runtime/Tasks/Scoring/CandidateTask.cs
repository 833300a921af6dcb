using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Model;
using DiPaCo.Routing;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Computes a <see cref="CandidateSpec"/>.</summary>
internal sealed class CandidateTask
{
    private readonly CandidateSpec _spec;
    private readonly TokenCorpus _corpus;
    private readonly PathTree _tree;
    private readonly SequenceOptions _sequences;

    // The documents that have a candidate among the task's paths; for each, its candidates as places in the task, ascending, and the
    // place of its first loss.
    private readonly List<DocumentId> _documents = [];
    private readonly List<ImmutableArray<int>> _candidates = [];
    private readonly List<int> _firstLoss = [0];

    /// <param name="spec">The task.</param>
    /// <param name="corpus">Its token chunks; not owned.</param>
    /// <param name="features">The corpus as its router sees it; not owned.</param>
    /// <param name="router">The router that chooses candidates.</param>
    /// <param name="threads">Threads.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="DiPaCoException">The router is of other paths or another base model, or there would be too many losses.</exception>
    public CandidateTask(
        CandidateSpec spec, TokenCorpus corpus, RoutedDocuments features, IRouter router, int threads, CancellationToken cancellationToken)
    {
        (_spec, _corpus) = (spec, corpus);
        _sequences = new SequenceOptions(spec.Sequences.Length, spec.Sequences.PrefixTokens);
        _tree = PathTree.Of(spec.Paths[0].Model.Shape.Blocks, [.. spec.Paths.Select(path => ScoreTask.Stack(path.Model))]);
        Dictionary<PathId, int> places = [];
        foreach (PathColumn path in spec.Paths)
        {
            places[path.Path] = places.Count;
        }

        bool knowsAll = spec.Paths.All(path => router.Paths.Contains(path.Path));
        RouterMatch.ThrowIfOther(router, knowsAll ? router.Paths : [.. places.Keys], features.Input);
        DocumentId[] documents = HeldOutRank.Documents(corpus, spec.Split, _sequences.PrefixLength, spec.LastRank);
        CandidateLosses.ThrowIfTooMany(documents.Length, spec.Candidates);
        PathId[] chosen = CandidatePaths.Of(
            router, features.Input.Select(features.NumbersOf(documents)), spec.Candidates, threads, cancellationToken);
        for (int d = 0; d < documents.Length; d++)
        {
            ImmutableArray<int> here = [.. chosen.Skip(d * spec.Candidates).Take(spec.Candidates).Where(places.ContainsKey).Select(path => places[path])];
            if (!here.IsEmpty)
            {
                _documents.Add(documents[d]);
                _candidates.Add(here);
                _firstLoss.Add(_firstLoss[^1] + here.Length);
            }
        }
    }

    /// <summary>Scores the documents.</summary>
    /// <param name="model">Buffers of a path; overwritten.</param>
    /// <param name="files">The files of all modules.</param>
    /// <param name="progress">Is told of documents.</param>
    /// <param name="cancellationToken">Ends the task.</param>
    public (CandidateLosses Losses, CandidateMetrics Metrics) Execute(
        PathModel model, IReadOnlyDictionary<BlobHash, string> files, IProgress<TaskStep>? progress, CancellationToken cancellationToken)
    {
        double[] sums = new double[_firstLoss[^1]];
        long separate = 0;
        using CandidateTreeModel tree = new(model, _tree, (place, version) => model.Parameters.Load(place, files[version]));
        List<TokenBatch> sequences = [];
        List<int> documentOf = [];
        long tokens = 0;

        // Every sequence by itself: which ones meet in a batch is known only at each branch.
        EvaluationBatches batches = new(_corpus, _sequences, batchSize: 1, new int[_corpus.VocabularySize]);
        foreach (EvaluationBatch evaluation in batches.Read(_documents))
        {
            sequences.Add(new TokenBatch(evaluation.Batch.Tokens.ToArray(), evaluation.Batch.Targets.ToArray(), evaluation.Batch.Length));
            documentOf.Add(evaluation.Rows[0].Index);
            separate += (long)_tree.RunsOfAPath * _candidates[documentOf[^1]].Length;
            tokens += sequences[^1].Length;
            if (tokens >= ScoreTask.MostOfAFork / model.Shape.Width)
            {
                Score();
                progress?.Report(new TaskStep(documentOf[^1] + 1, _documents.Count));
                Clear();
            }
        }

        Score();
        CandidateLosses losses = new([.. Enumerable.Range(0, _documents.Count).SelectMany(Losses)]);
        return (losses, new CandidateMetrics(_documents.Count, sums.Length, tree.ModuleEvaluations, separate) { Flops = tree.Flops });

        void Score() => tree.Evaluate(sequences, [.. documentOf.Select(document => _candidates[document])], Add, cancellationToken);

        void Clear()
        {
            sequences.Clear();
            documentOf.Clear();
            tokens = 0;
        }

        // Positions that are not scored have a loss of 0, and a document's sequences come in order.
        void Add(int path, int sequence, ReadOnlySpan<float> found)
        {
            int document = documentOf[sequence];
            int loss = _firstLoss[document] + _candidates[document].BinarySearch(path);
            foreach (float value in found)
            {
                sums[loss] += value;
            }
        }

        IEnumerable<CandidateLoss> Losses(int document)
        {
            for (int i = 0; i < _candidates[document].Length; i++)
            {
                int loss = _firstLoss[document] + i;
                PathId path = _spec.Paths[_candidates[document][i]].Path;
                yield return new CandidateLoss(_documents[document], path, LossTally.Finite(sums[loss], path));
            }
        }
    }
}
