using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Recipe;

/// <summary>Documents with nothing to predict behind their prefix.</summary>
public sealed class ShortDocumentsTests : IDisposable
{
    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task ShortDocuments_AreInNoShard_AndShardSizesCountTargets()
    {
        // So many and so alike that k-means would give them clusters of their own, on which no path could train.
        await File.AppendAllLinesAsync(_runs.Corpus, Enumerable.Range(0, 400).Select(i => $$"""{"text":"{{(i % 2 == 0 ? "Yes." : "No!")}}","url":"short-{{i}}"}"""));

        RunResults results = await _runs.TrainAsync("run");

        RunView run = new(_runs.File("run"));
        int prefix = run.Config.Routing.PrefixTokens;
        int all = 0;
        foreach (ShardSize size in run.Shards)
        {
            using TokenCorpus shard = TokenCorpus.Open([.. run.ShardOf(size.Path).Select(run.FileOf)]);
            DocumentEntry[] documents = [.. shard.Chunks.SelectMany(chunk => Enumerable.Range(0, chunk.DocumentCount).Select(d => chunk[d]))];
            Assert.All(documents, document => Assert.True(document.TokenCount > prefix));
            Assert.Equal(documents.Where(document => document.Split == Split.Train).Sum(document => document.TokenCount - 1L), size.TrainTokens);
            all += documents.Length;
        }

        Assert.Equal(640, results.Corpus.Documents);
        Assert.InRange(all, 200, 240);
        Assert.Equal(run.Shards.Sum(size => size.TrainDocuments), results.Shards.Sum(shard => shard.Documents));
    }

    [Fact]
    public async Task FewerUsableDocumentsThanPaths_AreRefusedBeforeAnythingIsTrained()
    {
        string[] lines = await File.ReadAllLinesAsync(_runs.Corpus);
        await File.WriteAllLinesAsync(_runs.Corpus, [.. lines.Take(30), .. Enumerable.Range(0, 400).Select(i => $$"""{"text":"Yes.","url":"short-{{i}}"}""")]);
        RunConfig config = _runs.Config with
        {
            Topology = _runs.Config.Topology with { Replicas = 16 },
            Data = _runs.Config.Data with { TestShare = 0.2, ValidationShare = 0.1 },
        };
        EventLog events = new();

        DiPaCoException refusal = await Assert.ThrowsAsync<DiPaCoException>(() => _runs.TrainAsync("run", config, events));

        Assert.Contains("longer than the routing prefix", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("64 paths", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(events.Events.OfType<StepMade>());
        Assert.False(Directory.Exists(_runs.File("run")));
    }

    [Fact]
    public async Task TrainingFlops_AreThoseOfThePositionsThatWereComputed()
    {
        EventLog events = new();
        RunResults results = await _runs.TrainAsync("run", observer: events);

        double made = events.Events.OfType<StepMade>().Where(step => step.Stage != Stage.Dense).Sum(step => step.Flops);
        Assert.Equal(made, results.Evaluation[0].TrainingFlops, made * 1e-12);
        double longest = new RunView(_runs.File("run")).Model!.Shape.TrainingFlopsPerToken(_runs.Config.Transformer.SequenceLength)
            * _runs.Config.Transformer.SequenceLength * _runs.Config.Recipe.BatchSequences * events.Events.OfType<StepMade>().Count(step => step.Stage != Stage.Dense);
        Assert.InRange(made, 0.1 * longest, longest);
    }
}
