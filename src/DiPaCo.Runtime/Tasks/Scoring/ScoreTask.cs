using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Model;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Computes a <see cref="ScoreSpec"/>.</summary>
internal sealed class ScoreTask
{
    /// <summary>Numbers of the residual stream that are kept at a fork: 256 MiB.</summary>
    public const int MostOfAFork = 64 << 20;

    private readonly ScoreSpec _spec;
    private readonly TokenCorpus _corpus;
    private readonly DocumentId[] _documents;
    private readonly EvaluationBatches _batches;
    private readonly SequenceOptions _sequences;
    private readonly int[] _byteCounts;
    private readonly int[] _tokensDone;

    /// <param name="spec">The task.</param>
    /// <param name="corpus">Its token chunks; not owned.</param>
    /// <param name="byteCounts">UTF-8 bytes of each token.</param>
    public ScoreTask(ScoreSpec spec, TokenCorpus corpus, int[] byteCounts)
    {
        _spec = spec;
        _corpus = corpus;
        _sequences = new SequenceOptions(spec.Sequences.Length, spec.Sequences.PrefixTokens);
        _documents = HeldOutRank.Documents(corpus, spec.Split, spec.Sequences.PrefixTokens, spec.LastRank);
        _batches = new EvaluationBatches(corpus, _sequences, spec.Sequences.MicroBatch, byteCounts);
        _byteCounts = byteCounts;
        _tokensDone = new int[_documents.Length];
        Tree = PathTree.Of(spec.Paths[0].Model.Shape.Blocks, [.. spec.Paths.Select(path => Stack(path.Model))]);
    }

    /// <summary>The paths as a tree.</summary>
    public PathTree Tree { get; }

    /// <summary>Floating-point operations so far, padding included.</summary>
    public double Flops { get; private set; }

    /// <summary>A path's modules as a tree sees them.</summary>
    public static ImmutableArray<StackModule> Stack(PathInput path) =>
        [.. path.Modules.Select(module => new StackModule(module.Parts, module.Blob))];

    /// <summary>Scores the documents.</summary>
    /// <param name="model">Buffers of a path; overwritten.</param>
    /// <param name="files">The files of all modules.</param>
    /// <param name="progress">Is told of documents.</param>
    /// <param name="cancellationToken">Ends the task.</param>
    public LossMatrix Execute(
        PathModel model, IReadOnlyDictionary<BlobHash, string> files, IProgress<TaskStep>? progress, CancellationToken cancellationToken)
    {
        LossMatrix matrix = new([.. _spec.Paths.Select(path => path.Path)], [.. _documents.Select(Document)], _spec.Cell);
        LossTally[] tallies = [.. Enumerable.Range(0, matrix.Paths.Length).Select(path => new LossTally(matrix, path))];
        using PathTreeModel tree = new(model, Tree, (place, version) => model.Parameters.Load(place, files[version]));
        List<TokenBatch> batches = [];
        List<ScoredRun[]> runs = [];
        long tokens = 0;
        foreach (EvaluationBatch evaluation in _batches.Read(_documents))
        {
            batches.Add(new TokenBatch(evaluation.Batch.Tokens.ToArray(), evaluation.Batch.Targets.ToArray(), evaluation.Batch.Length));
            runs.Add(Runs(evaluation));
            tokens += batches[^1].Tokens.Length;
            Flops += batches[^1].Tokens.Length * Tree.FlopsPerToken(model.Shape, batches[^1].Length);
            if (tokens >= MostOfAFork / model.Shape.Width)
            {
                Score();
                progress?.Report(new TaskStep(evaluation.Rows[^1].Index + 1, _documents.Length));
            }
        }

        Score();
        foreach (LossTally tally in tallies)
        {
            tally.Flush();
        }

        return matrix;

        void Score()
        {
            tree.Evaluate(batches, (path, batch, losses) => Add(tallies[path], runs[batch], losses), cancellationToken);
            batches.Clear();
            runs.Clear();
            tokens = 0;
        }
    }

    private static void Add(LossTally tally, ScoredRun[] runs, ReadOnlySpan<float> losses)
    {
        foreach (ScoredRun run in runs)
        {
            if (run.PrefixCount > 0)
            {
                tally.AddPrefix(run.Document, losses.Slice(run.PrefixStart, run.PrefixCount));
            }

            tally.Add(run.Document, run.FirstToken, losses.Slice(run.Start, run.Count));
        }
    }

    private ScoredDocument Document(DocumentId id)
    {
        int[] tokens = new int[_corpus[id].TokenCount];
        _corpus.CopyTokens(id, 0, tokens);
        int bytes = 0;
        foreach (int target in tokens.AsSpan(_sequences.PrefixLength))
        {
            bytes += _byteCounts[target];
        }

        return new ScoredDocument(id, tokens.Length - _sequences.PrefixLength, _sequences.PrefixColumns, bytes);
    }

    /// <summary>Where the losses of each row go. Every target of a document is scored once, and they come in order.</summary>
    private ScoredRun[] Runs(EvaluationBatch evaluation)
    {
        Batch batch = evaluation.Batch;
        ScoredRun[] runs = new ScoredRun[evaluation.Rows.Count];
        for (int row = 0; row < runs.Length; row++)
        {
            ScoredRow scored = evaluation.Rows[row];
            ReadOnlySpan<int> targets = batch.RowTargets(row);
            int column = Math.Min(batch.PrefixColumns, batch.Length);
            while (column < batch.Length && targets[column] == SequenceOptions.Unscored)
            {
                column++;
            }

            int start = row * batch.Length;
            runs[row] = new ScoredRun(
                scored.Index, start, scored.PrefixTargets, start + column, scored.Targets, _tokensDone[scored.Index]);
            _tokensDone[scored.Index] += scored.Targets;
        }

        return runs;
    }

    private readonly record struct ScoredRun(int Document, int PrefixStart, int PrefixCount, int Start, int Count, int FirstToken);
}
