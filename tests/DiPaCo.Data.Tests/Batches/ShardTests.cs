using DiPaCo.Core;
using Xunit;

namespace DiPaCo.Data.Tests;

public sealed class ShardTests
{
    [Fact]
    public async Task Shard_IsSortedAndWithoutRepetition()
    {
        using TokenCorpus corpus = await Chunks.CorpusAsync(40, 50, 60);
        Shard shard = Shard.Of(corpus, [new DocumentId(0, 2), new DocumentId(0, 0), new DocumentId(0, 2)]);

        Assert.Equal([new ShardDocument(new DocumentId(0, 0), 40), new ShardDocument(new DocumentId(0, 2), 60)], shard.Documents);
        Assert.Equal(100, shard.TokenCount);
        Assert.Empty(Shard.Of(corpus, []).Documents);
    }

    [Fact]
    public async Task ShardOfAnotherCorpus_IsRefused()
    {
        using TokenCorpus corpus = await Chunks.CorpusAsync(40, 50, 60);
        using TokenCorpus other = await Chunks.CorpusAsync(40, 51);

        Assert.Contains("belongs to another corpus", Assert.Throws<DiPaCoException>(() => Shard.Of(corpus, corpus.Documents(Split.Train)).CheckAgainst(other)).Message);
    }
}
