namespace DiPaCo.Data;

/// <summary>
/// Documents as padded batches, for evaluation and scoring: every target of every usable document exactly once, in the order given.
/// A document's sequences follow each other and may spread over batches.
/// </summary>
public sealed class EvaluationBatches
{
    private readonly TokenCorpus _corpus;
    private readonly SequenceWriter _writer;
    private readonly int _batchSize;
    private readonly int[] _byteCounts;

    /// <summary>Prepares to read documents of a corpus.</summary>
    /// <param name="corpus">The corpus; not owned.</param>
    /// <param name="sequences">How documents are cut; the prefix is scored whatever the switch for training says.</param>
    /// <param name="batchSize">The most sequences in a batch.</param>
    /// <param name="byteCounts">UTF-8 bytes of each token: <see cref="TextTokenizer.ByteCounts"/>.</param>
    public EvaluationBatches(TokenCorpus corpus, SequenceOptions sequences, int batchSize, int[] byteCounts)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchSize);
        ArgumentOutOfRangeException.ThrowIfLessThan(byteCounts.Length, corpus.VocabularySize, nameof(byteCounts));
        _corpus = corpus;
        _writer = new SequenceWriter(corpus, sequences);
        _batchSize = batchSize;
        _byteCounts = byteCounts;
    }

    /// <summary>Reads the documents; those that are not longer than the prefix have no row.</summary>
    public IEnumerable<EvaluationBatch> Read(IReadOnlyList<DocumentId> documents)
    {
        var batch = new Batch(_batchSize, _writer.Options.SequenceLength);
        var pending = new List<(int Index, SequenceSlice Slice)>(_batchSize);
        for (int index = 0; index < documents.Count; index++)
        {
            int tokens = _corpus[documents[index]].TokenCount;
            for (int ordinal = 0; ordinal < _writer.Options.SequencesOf(tokens); ordinal++)
            {
                pending.Add((index, _writer.Options.Slice(tokens, ordinal)));
                if (pending.Count == _batchSize)
                {
                    yield return Fill(batch, pending, documents);
                    pending.Clear();
                }
            }
        }

        if (pending.Count > 0)
        {
            yield return Fill(batch, pending, documents);
        }
    }

    private EvaluationBatch Fill(Batch batch, List<(int Index, SequenceSlice Slice)> pending, IReadOnlyList<DocumentId> documents)
    {
        batch.Reset(pending.Count, _writer.Columns(pending.Max(sequence => sequence.Slice.Length)));
        var rows = new ScoredRow[pending.Count];
        for (int row = 0; row < rows.Length; row++)
        {
            (int index, SequenceSlice slice) = pending[row];
            _writer.Write(batch, row, documents[index], slice, prefixScored: true);
            ReadOnlySpan<int> targets = batch.RowTargets(row);
            int prefix = Math.Min(targets.Length, batch.PrefixColumns);
            (int prefixTargets, int prefixBytes) = Count(targets[..prefix]);
            (int others, int bytes) = Count(targets[prefix..]);
            rows[row] = new ScoredRow(index, documents[index], prefixTargets, prefixBytes, others, bytes);
        }

        return new EvaluationBatch(batch, rows);
    }

    private (int Targets, int Bytes) Count(ReadOnlySpan<int> targets)
    {
        int scored = 0;
        int bytes = 0;
        foreach (int target in targets)
        {
            scored += target >= 0 ? 1 : 0;
            bytes += target >= 0 ? _byteCounts[target] : 0;
        }

        return (scored, bytes);
    }
}
