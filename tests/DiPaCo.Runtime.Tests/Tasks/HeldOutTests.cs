using CsCheck;
using DiPaCo.Data;
using DiPaCo.Runtime.Tasks;
using Xunit;

namespace DiPaCo.Runtime.Tests.Tasks;

/// <summary>Which held-out documents are scored.</summary>
public sealed class HeldOutTests
{
    [Fact]
    public void AsManyDocumentsAsPossible_AreTaken_InTheOrderOfTheirRanks() =>
        Gen.Select(Gen.ULong[0, 12].Array[0, 30], Gen.Int[0, 35]).Sample((ranks, most) =>
        {
            Array.Sort(ranks);
            HeldOutMetrics chosen = HeldOutTask.Choose(ranks, most);
            int taken = ranks.Count(rank => rank <= chosen.LastRank);
            ulong[] left = [.. ranks.Where(rank => rank > chosen.LastRank)];
            bool onlyTheFirstRank = taken == ranks.Count(rank => rank == ranks[0]);

            // With the next rank there would be too many, or there is none.
            return chosen.Documents == taken
                && (most == 0 ? left.Length == 0 : taken <= most || onlyTheFirstRank)
                && (left.Length == 0 || taken + left.Count(rank => rank == left[0]) > most);
        });

    [Fact]
    public async Task TheChoice_DependsOnTheDocumentsAlone_NotOnTheirChunks()
    {
        using TokenCorpus whole = await CorpusAsync([.. Enumerable.Range(0, 60)]);
        using TokenCorpus parts = await CorpusAsync([.. Enumerable.Range(20, 40).Reverse()], [.. Enumerable.Range(0, 20)]);

        ulong last = HeldOutRank.Of(whole[new DocumentId(0, 17)]);

        ulong[] chosen = Chosen(whole);
        Assert.Equal(chosen, Chosen(parts));
        Assert.InRange(chosen.Length, 1, 29);
        Assert.All(chosen, origin => Assert.Equal(0ul, origin % 2));

        ulong[] Chosen(TokenCorpus corpus) =>
            [.. HeldOutRank.Documents(corpus, Split.Test, prefixTokens: 8, last).Select(id => corpus[id].OriginHash).Order()];
    }

    [Fact]
    public async Task DocumentsThatAreNotLongerThanThePrefix_AreNeverChosen()
    {
        using TokenCorpus corpus = await CorpusAsync([.. Enumerable.Range(0, 60)]);

        Assert.Empty(HeldOutRank.Documents(corpus, Split.Test, prefixTokens: 12, HeldOutRank.All));
        Assert.Equal(30, HeldOutRank.Documents(corpus, Split.Test, prefixTokens: 11, HeldOutRank.All).Length);
    }

    /// <summary>Documents of 12 tokens; those of even origins are of the test split.</summary>
    private static async Task<TokenCorpus> CorpusAsync(params int[][] chunks)
    {
        List<TokenChunk> files = [];
        foreach (int[] origins in chunks)
        {
            TokenChunkBuilder chunk = new(20);
            foreach (int origin in origins)
            {
                chunk.Add((ulong)origin, "source", origin % 2 == 0 ? Split.Test : Split.Train, new int[12], byteCount: 30);
            }

            using MemoryStream file = new();
            await chunk.WriteToAsync(file, TestContext.Current.CancellationToken);
            files.Add(TokenChunk.Load(file.ToArray()));
        }

        return new TokenCorpus(files);
    }
}
