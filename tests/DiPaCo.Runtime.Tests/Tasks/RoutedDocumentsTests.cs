using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Routing;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Runs;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Tasks;

public sealed class RoutedDocumentsTests(ReferenceRun reference)
{
    [Fact]
    public async Task ShardsOfFeaturesOnTheDisk_AreThoseOfFeaturesInMemory()
    {
        RunView run = reference.View;
        using TokenCorpus corpus = TokenCorpus.Open([.. run.Model!.Chunks.Select(run.FileOf)]);
        string[] files = [.. run.Model.Features.Select(run.FileOf)];
        IRouter router = RouterCodec.Read(run.FileOf(run.Model.Router));
        ShardSpec spec = new(
            run.Model.Router, run.Model.Chunks, run.Model.Features, run.Topology.Paths, run.Config.Routing.MinimumShare,
            run.Config.Routing.PrefixTokens, run.Config.Recipe.LossOnPrefix);
        using Workbench bench = new(run);

        List<IEnumerable<BlobHash>> shards = [];
        foreach (long inMemory in new[] { RoutedDocuments.LargestInMemory, 0 })
        {
            using RoutedDocuments documents = RoutedDocuments.Of(corpus, files, CancellationToken.None, inMemory);
            TaskResult result = await new ShardTask(spec, corpus, documents, router, 2).ExecuteAsync(bench.Store, CancellationToken.None);
            shards.Add(result.Outputs.Values);
        }

        Assert.Equal(run.Only("shard").Outputs.Values, shards[0]);
        Assert.Equal(shards[0], shards[1]);
    }
}
