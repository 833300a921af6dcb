using CsCheck;
using DiPaCo.Core;
using Xunit;

namespace DiPaCo.Data.Tests;

public sealed class ShardTests
{
    [Fact]
    public async Task Shard_IsSortedAndWithoutRepetition_AndSurvivesItsBytes()
    {
        using TokenCorpus corpus = await Chunks.CorpusAsync(40, 50, 60);
        Shard shard = Shard.Of(corpus, [new DocumentId(0, 2), new DocumentId(0, 0), new DocumentId(0, 2)]);

        Assert.Equal([new ShardDocument(new DocumentId(0, 0), 40), new ShardDocument(new DocumentId(0, 2), 60)], shard.Documents);
        Assert.Equal(100, shard.TokenCount);
        Assert.Equal(shard.Documents, Shard.FromBytes(shard.ToBytes()).Documents);
        Assert.Empty(Shard.FromBytes(Shard.Of(corpus, []).ToBytes()).Documents);
    }

    [Fact]
    public async Task RandomDamage_IsRefusedOrHarmless()
    {
        using TokenCorpus corpus = await Chunks.CorpusAsync(40, 50, 60);
        byte[] good = Shard.Of(corpus, corpus.Documents(Split.Train)).ToBytes();
        Gen.Select(Gen.Int[0, good.Length - 1], Gen.Byte, Gen.Int[0, 3]).Sample((at, value, cut) =>
        {
            byte[] damaged = good[..^cut];
            damaged[at % damaged.Length] = value;
            try
            {
                Shard.FromBytes(damaged).CheckAgainst(corpus);
            }
            catch (DiPaCoException)
            {
                // Refused: fine. Anything else fails the test.
            }
        }, iter: 5000);
    }

    [Fact]
    public async Task ShardOfAnotherCorpus_IsRefused()
    {
        using TokenCorpus corpus = await Chunks.CorpusAsync(40, 50, 60);
        using TokenCorpus other = await Chunks.CorpusAsync(40, 51);

        Assert.Contains("belongs to another corpus", Assert.Throws<DiPaCoException>(() => Shard.Of(corpus, corpus.Documents(Split.Train)).CheckAgainst(other)).Message);
    }
}
