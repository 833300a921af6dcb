using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Model;
using DiPaCo.Routing;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// The path that what comes before a cell points to, for every cell of a loss matrix. No choice depends on the cell's own tokens or on
/// any after them (paper.md B.6: tokens that chose a path are never scored under it).
/// </summary>
/// <param name="losses">The cells.</param>
/// <param name="corpus">The corpus that was scored.</param>
/// <param name="sequences">How its documents become sequences.</param>
/// <param name="cancellationToken">Ends the work.</param>
internal sealed class ChunkChoices(LossMatrix losses, TokenCorpus corpus, SequenceInput sequences, CancellationToken cancellationToken)
{
    private const int BatchPrefixes = FeaturesTask.BatchDocuments;

    private readonly SequenceOptions _sequences = new(sequences.Length, sequences.PrefixTokens);

    /// <summary>
    /// By the document router: the tokens just before the cell, as many as a prefix has, count as the beginning of a document. Behind the document's first
    /// token, which begins every prefix that the router was fitted to.
    /// </summary>
    /// <param name="router">The document router; one that needs no features never changes its mind.</param>
    /// <param name="baseModel">The base model.</param>
    /// <param name="first">The column of each document, which stands at its first cell.</param>
    /// <returns>A column for each cell.</returns>
    public int[] ByPrefix(IRouter router, PathModel baseModel, ReadOnlySpan<int> first)
    {
        int[] choices = new int[losses.CellCount];
        List<int> cells = [];
        int length = sequences.PrefixTokens;
        int[] tokens = new int[BatchPrefixes * length];
        for (int d = 0; d < losses.Documents.Length; d++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            (int start, int count) = losses.CellsOf(d).GetOffsetAndLength(losses.CellCount);
            choices.AsSpan(start, count).Fill(first[d]);
            for (int cell = 1; cell < count && router.FeatureWidth > 0; cell++)
            {
                // The cell begins so many tokens behind the prefix, and ends a text as long as one.
                Span<int> before = tokens.AsSpan(cells.Count * length, length);
                corpus.CopyTokens(losses.Documents[d].Id, cell * losses.Cell, before);
                corpus.CopyTokens(losses.Documents[d].Id, 0, before[..1]);
                cells.Add(start + cell);
                if (cells.Count == BatchPrefixes)
                {
                    Route();
                }
            }
        }

        Route();
        return choices;

        void Route()
        {
            if (cells.Count == 0)
            {
                return;
            }

            int[] lengths = new int[cells.Count];
            Array.Fill(lengths, length);
            float[] features_BD = baseModel.FeaturesOf(tokens.AsSpan(0, cells.Count * length), length, lengths);
            FeatureMatrix features = new(cells.Count, baseModel.Shape.Width);
            for (int row = 0; row < cells.Count; row++)
            {
                features_BD.AsSpan(row * features.Width, features.Width).CopyTo(features.Row(row));
            }

            ImmutableArray<PathId> paths = router.Route(new RouterInput(features), cancellationToken: cancellationToken);
            for (int row = 0; row < cells.Count; row++)
            {
                choices[cells[row]] = losses.ColumnOf(paths[row]);
            }

            cells.Clear();
        }
    }

    /// <summary>
    /// By the document router, on the mean of the base model's hidden states over the chunk before (paper §2.4.3), or over all of the document before. Each in
    /// the context that it stands in; a hidden state counts for the token that follows it, so none has seen a token behind its chunk.
    /// </summary>
    /// <param name="router">The document router; one that needs no features never changes its mind.</param>
    /// <param name="baseModel">The base model.</param>
    /// <param name="first">The column of each document, which stands at its first cell.</param>
    /// <param name="windows">Tokens W of a chunk, multiples of the cell.</param>
    /// <param name="ofAllBefore">Whether all before counts, the prefix included, or the chunk before alone.</param>
    /// <returns>For each W a column for each cell, of which those at the beginning of a chunk count.</returns>
    public ImmutableArray<int[]> ByFeatures(IRouter router, PathModel baseModel, ReadOnlySpan<int> first, ImmutableArray<int> windows, bool ofAllBefore)
    {
        ImmutableArray<int[]> choices = [.. windows.Select(_ => new int[losses.CellCount])];
        for (int d = 0; d < losses.Documents.Length; d++)
        {
            (int start, int count) = losses.CellsOf(d).GetOffsetAndLength(losses.CellCount);
            double[]? sums_CD = router.FeatureWidth > 0 && count > 1 ? SumsOf(d, count, baseModel) : null;
            for (int w = 0; w < windows.Length; w++)
            {
                choices[w].AsSpan(start, count).Fill(first[d]);
                int cells = windows[w] / losses.Cell;
                int chunks = (count - 1) / cells;
                if (sums_CD is null || chunks == 0)
                {
                    continue;
                }

                ImmutableArray<PathId> paths = router.Route(new RouterInput(Means(sums_CD, chunks, cells)), cancellationToken: cancellationToken);
                for (int chunk = 0; chunk < chunks; chunk++)
                {
                    choices[w][start + ((chunk + 1) * cells)] = losses.ColumnOf(paths[chunk]);
                }
            }
        }

        return choices;

        FeatureMatrix Means(double[] sums_CD, int chunks, int cells)
        {
            FeatureMatrix features = new(chunks, baseModel.Shape.Width);
            double[] sum_D = new double[features.Width];
            long positions = 0;
            if (ofAllBefore)
            {
                sums_CD.AsSpan(0, sum_D.Length).CopyTo(sum_D);
                positions = _sequences.PrefixColumns;
            }

            for (int chunk = 0; chunk < chunks; chunk++)
            {
                if (!ofAllBefore)
                {
                    Array.Clear(sum_D);
                    positions = 0;
                }

                for (int cell = chunk * cells; cell < (chunk + 1) * cells; cell++)
                {
                    ReadOnlySpan<double> own_D = sums_CD.AsSpan((1 + cell) * sum_D.Length, sum_D.Length);
                    for (int i = 0; i < own_D.Length; i++)
                    {
                        sum_D[i] += own_D[i];
                    }
                }

                positions += (long)cells * losses.Cell;
                Span<float> mean_D = features.Row(chunk);
                for (int i = 0; i < mean_D.Length; i++)
                {
                    mean_D[i] = (float)(sum_D[i] / positions);
                }
            }

            return features;
        }
    }

    /// <summary>Sums of hidden states of a document: of its prefix, and of each cell.</summary>
    private double[] SumsOf(int document, int cells, PathModel baseModel)
    {
        double[] sums_CD = new double[(1 + cells) * baseModel.Shape.Width];
        int token = 0;
        foreach (EvaluationBatch evaluation in Batches([losses.Documents[document].Id]))
        {
            cancellationToken.ThrowIfCancellationRequested();
            Batch batch = evaluation.Batch;
            int[] rows = new int[batch.Rows * batch.Length];
            Array.Fill(rows, -1);
            for (int row = 0; row < batch.Rows; row++)
            {
                if (token == 0)
                {
                    rows.AsSpan(row * batch.Length, _sequences.PrefixColumns).Clear();
                }

                foreach (int column in ScoredColumns(batch, row))
                {
                    rows[(row * batch.Length) + column] = 1 + (token++ / losses.Cell);
                }
            }

            baseModel.AddHidden(batch.Tokens.Span, batch.Length, rows, sums_CD);
        }

        return sums_CD;
    }

    /// <summary>By the token router: what it predicts at the token before the cell, with all the sequence before it in sight.</summary>
    /// <param name="tokenRouter">The token router; output p is column p.</param>
    /// <returns>A column for each cell.</returns>
    public int[] ByToken(PathModel tokenRouter)
    {
        int[] choices = new int[losses.CellCount];
        int[] tokensDone = new int[losses.Documents.Length];
        foreach (EvaluationBatch evaluation in Batches([.. losses.Documents.Select(document => document.Id)]))
        {
            cancellationToken.ThrowIfCancellationRequested();
            Batch batch = evaluation.Batch;
            int[] best = new int[batch.Rows * batch.Length];
            tokenRouter.BestOutputs(batch.Tokens.Span, batch.Length, best);
            for (int row = 0; row < batch.Rows; row++)
            {
                int document = evaluation.Rows[row].Index;
                foreach (int column in ScoredColumns(batch, row))
                {
                    // A position sees the tokens up to its own, and its target is the next one.
                    if (tokensDone[document]++ is int token && token % losses.Cell == 0)
                    {
                        choices[losses.CellsOf(document).Start.Value + (token / losses.Cell)] = best[(row * batch.Length) + column];
                    }
                }
            }
        }

        return choices;
    }

    private IEnumerable<EvaluationBatch> Batches(IReadOnlyList<DocumentId> documents) =>
        new EvaluationBatches(corpus, _sequences, sequences.MicroBatch, new int[corpus.VocabularySize]).Read(documents);

    /// <summary>The columns behind the prefix whose targets count, which are a document's tokens in their order.</summary>
    private static IEnumerable<int> ScoredColumns(Batch batch, int row)
    {
        for (int column = batch.PrefixColumns; column < batch.Length; column++)
        {
            if (batch.RowTargets(row)[column] != SequenceOptions.Unscored)
            {
                yield return column;
            }
        }
    }
}
