using CsCheck;
using DiPaCo.Core;
using Xunit;

namespace DiPaCo.Data.Tests;

public sealed class SequenceTests
{
    private static readonly Gen<(int Length, int Prefix, int[] Documents)> Cases =
        from prefix in Gen.Int[1, 32]
        from length in Gen.Int[prefix + 1, 128]
        from documents in Gen.Int[0, 700].Array[1, 6]
        select (length, prefix, documents);

    [Fact]
    public async Task EveryTokenIsATargetExactlyOnce_BehindItsPrefix() => await Cases.SampleAsync(async example =>
    {
        using TokenCorpus corpus = await Chunks.CorpusAsync(example.Documents);
        var options = new SequenceOptions(example.Length, example.Prefix);
        DocumentId[] ids = [.. corpus.Documents(Split.Train)];
        int[] byteCounts = [.. Enumerable.Repeat(2, Chunks.Vocabulary)];
        var scored = new List<int>();
        foreach (EvaluationBatch evaluation in new EvaluationBatches(corpus, options, batchSize: 3, byteCounts).Read(ids))
        {
            for (int row = 0; row < evaluation.Batch.Rows; row++)
            {
                int[] tokens = evaluation.Batch.RowTokens(row).ToArray();
                int[] targets = evaluation.Batch.RowTargets(row).ToArray();
                int first = 1000 * evaluation.Rows[row].Document.Document;
                // The document's prefix comes first in every sequence.
                Assert.Equal(Enumerable.Range(first, example.Prefix), tokens.Take(example.Prefix));
                for (int t = 0; t < targets.Length; t++)
                {
                    if (targets[t] != SequenceOptions.Unscored)
                    {
                        // A target follows its position's token, and is the prefix's where the column says so.
                        Assert.Equal(tokens[t] + 1, targets[t]);
                        Assert.Equal(t < evaluation.Batch.PrefixColumns, targets[t] - first < example.Prefix);
                        scored.Add(targets[t]);
                    }
                }

                ScoredRow counts = evaluation.Rows[row];
                Assert.Equal(targets.Count(target => target >= 0), counts.Targets + counts.PrefixTargets);
                Assert.Equal(2 * counts.Targets, counts.Bytes);
                Assert.Equal(2 * counts.PrefixTargets, counts.PrefixBytes);
            }

            Assert.Equal(evaluation.Rows.Sum(row => row.Targets + row.PrefixTargets), evaluation.Batch.ScoredTargets);
        }

        // Documents that are not longer than the prefix are left out; of the others every token but the first is a target, in order, once.
        Assert.Equal(
            ids.Where(id => corpus[id].TokenCount > example.Prefix).SelectMany(id => Enumerable.Range((1000 * id.Document) + 1, corpus[id].TokenCount - 1)),
            scored);
    }, iter: 300);

    [Fact]
    public async Task LongDocuments_FillEverySequence()
    {
        using TokenCorpus corpus = await Chunks.CorpusAsync(600);
        foreach (EvaluationBatch evaluation in new EvaluationBatches(corpus, new SequenceOptions(128), 1, new int[Chunks.Vocabulary]).Read([new DocumentId(0, 0)]))
        {
            // A padded position would hold token 0 twice: the document's tokens are all different.
            Assert.Equal(128, evaluation.Batch.Length);
            Assert.Single(evaluation.Batch.RowTokens(0).ToArray(), token => token == 0);
        }
    }

    [Theory]
    // 1 + 128 tokens fill one sequence; each further one has 96 more targets.
    [InlineData(32, 0)]
    [InlineData(33, 1)]
    [InlineData(129, 1)]
    [InlineData(130, 2)]
    [InlineData(129 + 96, 2)]
    [InlineData(130 + 96, 3)]
    public void SequencesOfADocument_AreCounted(int tokens, int sequences) => Assert.Equal(sequences, new SequenceOptions(128).SequencesOf(tokens));

    [Theory]
    [InlineData(32, 32)]
    [InlineData(10, 0)]
    public void ImpossibleLengths_AreRefused(int length, int prefix) =>
        Assert.Throws<DiPaCoException>(() => new SequenceOptions(length, prefix).Validate());
}
