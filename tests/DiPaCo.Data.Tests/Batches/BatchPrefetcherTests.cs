using DiPaCo.Core;
using Xunit;

namespace DiPaCo.Data.Tests;

public sealed class BatchPrefetcherTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task PrefetchedBatches_AreTheBatchesOfTheirSteps(int depth)
    {
        using TokenCorpus corpus = await Chunks.CorpusAsync(40, 300, 90, 500, 33, 64);
        using var prefetcher = new BatchPrefetcher(Batches(corpus), new StepRange(5, 40), depth, TimeProvider.System);
        ShardBatches direct = Batches(corpus);
        Batch expected = direct.NewBatch();
        for (long step = 5; step < 40; step++)
        {
            Batch batch = prefetcher.Take(CancellationToken.None);
            direct.Fill(step, expected);

            Assert.Equal((step, expected.Rows, expected.Length, expected.ScoredTargets), (batch.Step, batch.Rows, batch.Length, batch.ScoredTargets));
            Assert.Equal(expected.Tokens.ToArray(), batch.Tokens.ToArray());
            Assert.Equal(expected.Targets.ToArray(), batch.Targets.ToArray());
        }

        Assert.Throws<InvalidOperationException>(() => prefetcher.Take(CancellationToken.None));
    }

    [Fact]
    public async Task FailureOnTheThread_ReachesTheConsumer()
    {
        TokenCorpus corpus = await Chunks.CorpusAsync(40, 300);
        ShardBatches batches = Batches(corpus);
        corpus.Dispose();
        using var prefetcher = new BatchPrefetcher(batches, new StepRange(0, 10), 2, TimeProvider.System);

        Assert.Throws<ObjectDisposedException>(() => prefetcher.Take(CancellationToken.None));
    }

    [Fact]
    public async Task Dispose_EndsTheThread_WithBatchesLeft()
    {
        using TokenCorpus corpus = await Chunks.CorpusAsync(40, 300);
        var prefetcher = new BatchPrefetcher(Batches(corpus), new StepRange(0, long.MaxValue / 100), 2, TimeProvider.System);
        prefetcher.Take(CancellationToken.None);

        prefetcher.Dispose();
        prefetcher.Dispose();

        Assert.Throws<ObjectDisposedException>(() => prefetcher.Take(CancellationToken.None));
    }

    [Fact]
    public async Task Filling_AllocatesNothing()
    {
        using TokenCorpus corpus = await Chunks.CorpusAsync(40, 300, 90, 500);
        ShardBatches batches = Batches(corpus);
        Batch batch = batches.NewBatch();
        batches.Fill(0, batch);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (long step = 1; step < 50; step++)
        {
            batches.Fill(step, batch);
        }

        // What remains is the generator of each epoch's shuffle, a few hundred bytes.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 49 * 1000);
    }

    [Fact]
    public async Task LossOnPrefix_SwitchesThePrefixsTargets()
    {
        using TokenCorpus corpus = await Chunks.CorpusAsync(40, 300, 90, 500);
        Batch with = Filled(corpus, lossOnPrefix: true);
        Batch without = Filled(corpus, lossOnPrefix: false);

        Assert.Equal(with.Tokens.ToArray(), without.Tokens.ToArray());
        Assert.Equal(31, without.PrefixColumns);
        for (int row = 0; row < with.Rows; row++)
        {
            Assert.All(without.RowTargets(row)[..31].ToArray(), target => Assert.Equal(SequenceOptions.Unscored, target));
            Assert.Equal(with.RowTargets(row)[31..].ToArray(), without.RowTargets(row)[31..].ToArray());
        }

        Assert.Equal(without.Targets.ToArray().Count(target => target >= 0), without.ScoredTargets);
        Assert.True(with.ScoredTargets > without.ScoredTargets);
    }

    private static Batch Filled(TokenCorpus corpus, bool lossOnPrefix)
    {
        ShardBatches batches = Batches(corpus, lossOnPrefix);
        Batch batch = batches.NewBatch();
        batches.Fill(0, batch);
        return batch;
    }

    private static ShardBatches Batches(TokenCorpus corpus, bool lossOnPrefix = true) => new(
        corpus,
        Shard.Of(corpus, corpus.Documents(Split.Train)),
        new SequenceOptions(SequenceLength: 96, LossOnPrefix: lossOnPrefix),
        new ShardOrderOptions(Seed: 1, new PathId(2), BatchSize: 6));
}
