using Xunit;

namespace DiPaCo.Data.Tests;

public sealed class SharedDataTests
{
    [Fact]
    public async Task C4Records_AreReadAsTheyAre()
    {
        var report = new CorpusReport();
        List<Document> documents = await Documents.ReadAsync(new CorpusOptions { Paths = [SharedData.C4] }, report);

        Assert.Equal((1000, 0L), (documents.Count, report.BadRecords));
        Assert.StartsWith("Beginners BBQ Class Taking Place in Missoula!\n", documents[0].Text);
        Assert.All(documents, document => Assert.StartsWith("http", document.Origin));
        Assert.Equal("c4-train", Assert.Single(documents.Select(document => document.Source).Distinct()));
    }

    [Fact]
    public async Task Mix_HasItsDomainsAsSources_AndNoOriginStraddlesTheSplits()
    {
        var fractions = new SplitFractions();
        var sources = new HashSet<string>();
        var splits = new Dictionary<string, Split>();
        long documents = 0;
        await foreach (Document document in Data.Corpus.Open(new CorpusOptions { Paths = [Path.Combine(SharedData.Mix, "*.jsonl.gz")] }).ReadAsync(new CorpusReport(), CancellationToken.None))
        {
            documents++;
            sources.Add(document.Source);
            Split split = fractions.Of(DocumentOrigin.Hash(document.Origin));
            Assert.True(splits.TryAdd(document.Origin, split) || splits[document.Origin] == split);
            Assert.DoesNotContain('#', document.Origin);
        }

        Assert.Equal(31_201, documents);
        Assert.True(sources.Count >= 23);
        Assert.True(splits.Count < documents);
    }
}
