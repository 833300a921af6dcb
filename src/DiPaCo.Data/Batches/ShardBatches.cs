namespace DiPaCo.Data;

/// <summary>The training batches of one path, each a function of its step. Not for several threads at once.</summary>
public sealed class ShardBatches
{
    private readonly SequenceWriter _writer;
    private readonly Shard _shard;
    private readonly ShardOrder _order;
    private readonly int _batchSize;
    private readonly int[] _document;
    private readonly int[] _ordinal;

    /// <summary>Prepares to read a shard; touches no token yet.</summary>
    /// <exception cref="Core.DiPaCoException">The shard has no document longer than the prefix, or is of another corpus.</exception>
    public ShardBatches(TokenCorpus corpus, Shard shard, SequenceOptions sequences, ShardOrderOptions order)
    {
        shard.CheckAgainst(corpus);
        _writer = new SequenceWriter(corpus, sequences);
        _shard = shard;
        _batchSize = order.BatchSize;
        var document = new List<int>();
        var ordinal = new List<int>();
        var lengths = new List<int>();
        for (int i = 0; i < shard.Documents.Count; i++)
        {
            int tokens = shard.Documents[i].TokenCount;
            for (int k = 0; k < sequences.SequencesOf(tokens); k++)
            {
                document.Add(i);
                ordinal.Add(k);
                lengths.Add(sequences.Slice(tokens, k).Length);
            }
        }

        _document = [.. document];
        _ordinal = [.. ordinal];
        _order = new ShardOrder(order, [.. lengths]);
    }

    /// <summary>Sequences of the shard: an epoch.</summary>
    public int SequenceCount => _order.SequenceCount;

    /// <summary>A batch with room for any step.</summary>
    public Batch NewBatch() => new(_batchSize, _writer.Options.SequenceLength);

    /// <summary>Fills a batch with the sequences of a step.</summary>
    public void Fill(long step, Batch batch)
    {
        ReadOnlySpan<int> sequences = _order.Step(step);
        int longest = 0;
        foreach (int sequence in sequences)
        {
            longest = Math.Max(longest, Slice(sequence).Length);
        }

        batch.Reset(sequences.Length, _writer.Columns(longest));
        batch.Step = step;
        for (int row = 0; row < sequences.Length; row++)
        {
            ShardDocument document = _shard.Documents[_document[sequences[row]]];
            _writer.Write(batch, row, document.Id, Slice(sequences[row]), _writer.Options.LossOnPrefix);
        }
    }

    /// <summary>What a step reads, sequence by sequence, without reading it.</summary>
    /// <param name="step">The step.</param>
    /// <returns>Of each sequence its document, and how many of the document's tokens it scores.</returns>
    public IReadOnlyList<(ShardDocument Document, int ScoredTokens)> ReadIn(long step)
    {
        ReadOnlySpan<int> sequences = _order.Step(step);
        var read = new (ShardDocument Document, int ScoredTokens)[sequences.Length];
        for (int i = 0; i < read.Length; i++)
        {
            read[i] = (_shard.Documents[_document[sequences[i]]], _writer.Options.ScoredTargets(Slice(sequences[i]), _writer.Options.LossOnPrefix));
        }

        return read;
    }

    private SequenceSlice Slice(int sequence) =>
        _writer.Options.Slice(_shard.Documents[_document[sequence]].TokenCount, _ordinal[sequence]);
}
