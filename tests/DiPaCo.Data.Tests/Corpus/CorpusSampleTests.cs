using System.Text;
using DiPaCo.Core;
using Xunit;

namespace DiPaCo.Data.Tests;

public sealed class CorpusSampleTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task SmallCorpus_IsCounted()
    {
        for (int file = 0; file < 5; file++)
        {
            _folder.Write($"{file}.txt", new string('x', 100 * (file + 1)));
        }

        CorpusSample sample = await TakeAsync();

        Assert.Equal((5, 1500, true), (sample.Documents, sample.Bytes, sample.IsWhole));
        Assert.Equal([100, 200, 300, 400, 500], sample.DocumentBytes);
        Assert.Equal(1500, sample.Text.Length);
    }

    [Fact]
    public async Task ManyFiles_AreEstimatedBySomeOfThem()
    {
        for (int file = 0; file < 40; file++)
        {
            _folder.Write($"{file:00}.jsonl", string.Concat(Enumerable.Repeat($$"""{"text":"{{new string('y', 1000)}}"}""" + "\n", 10 + (file % 2))));
        }

        CorpusSample sample = await TakeAsync();

        Assert.False(sample.IsWhole);
        Assert.InRange(sample.Documents, 0.9 * 420, 1.1 * 420);
        Assert.InRange(sample.Bytes, 0.9 * 420_000, 1.1 * 420_000);
        Assert.InRange(sample.DocumentBytes.Count, 160, 176);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task LargeFile_IsReadInPart(bool packed)
    {
        // Text that packs about as well as English does.
        var chance = new RandomStream(1, "corpus sample");
        string[] words = [.. Enumerable.Range(0, 2000).Select(_ => string.Concat(Enumerable.Range(0, 5).Select(_ => (char)('a' + chance.NextInt32(26)))))];
        const int Documents = 20_000;
        var text = new StringBuilder();
        for (int document = 0; document < Documents; document++)
        {
            text.Append("{\"text\":\"").AppendJoin(' ', Enumerable.Range(0, 200).Select(_ => words[chance.NextInt32(words.Length)])).Append("\"}\n");
        }

        _folder.Write(packed ? "a.jsonl.gz" : "a.jsonl", packed ? TemporaryFolder.Gzip(text.ToString()) : Encoding.UTF8.GetBytes(text.ToString()));

        CorpusSample sample = await TakeAsync();

        Assert.False(sample.IsWhole);
        Assert.InRange(sample.DocumentBytes.Count, 13_000, 15_000);
        Assert.InRange(sample.Documents, packed ? 0.6 * Documents : 0.9 * Documents, packed ? 1.5 * Documents : 1.1 * Documents);
    }

    [Fact]
    public async Task BadRecords_CountOverTheWholeSample()
    {
        _folder.Write("a.jsonl", string.Concat(Enumerable.Repeat("{\"text\":\"good\"}\n", 30)));
        _folder.Write("b.jsonl", string.Concat(Enumerable.Repeat("{\"body\":\"bad\"}\n", 10)));

        CorpusSample sample = await TakeAsync(maximumBadShare: 0.25);
        DiPaCoException refusal = await Assert.ThrowsAsync<DiPaCoException>(() => TakeAsync(maximumBadShare: 0.24));

        Assert.Equal(30, sample.Documents);
        Assert.StartsWith("10 of 40 records are bad, more than the allowed share of 0.24.", refusal.Message, StringComparison.Ordinal);
        Assert.EndsWith("Repair the files, set data.text_field, or raise data.max_bad_share.", refusal.Message, StringComparison.Ordinal);
    }

    private Task<CorpusSample> TakeAsync(double maximumBadShare = 0.001) =>
        CorpusSample.TakeAsync(Corpus.Open(new CorpusOptions { Paths = [_folder.Root], MaximumBadShare = maximumBadShare }), TestContext.Current.CancellationToken);
}
