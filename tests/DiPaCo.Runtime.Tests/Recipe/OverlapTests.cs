using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Recipe;

/// <summary>Overlap and balance are for training documents: held-out ones go where the router sends them, as at inference.</summary>
public sealed class OverlapTests : IDisposable
{
    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Theory]
    [InlineData(ShardBalance.Capacity)]
    [InlineData(ShardBalance.Greedy)]
    public async Task TrainingDocumentsAreBalancedAndDoubled_AndHeldOutOnesStayWhereTheRouterSendsThem(ShardBalance balance)
    {
        RunConfig config = _runs.Config;
        ShardSize[] plain = await ShardsAsync("plain", config);
        ShardSize[] balanced = await ShardsAsync("balanced", config with { Routing = config.Routing with { CapacityFactor = 1, Balance = balance } });
        ShardSize[] overlapping = await ShardsAsync("overlap", config with { Routing = config.Routing with { Overlap = 2, CapacityFactor = 1, Balance = balance } });

        long documents = plain.Sum(shard => shard.TrainDocuments);
        Assert.Equal(documents, balanced.Sum(shard => shard.TrainDocuments));
        Assert.Equal(2 * documents, overlapping.Sum(shard => shard.TrainDocuments));
        long most = (documents + plain.Length - 1) / plain.Length;
        Assert.All(balanced, shard => Assert.InRange(shard.TrainDocuments, 1, most));
        Assert.True(plain.Max(shard => shard.TrainDocuments) > most, $"Of {string.Join(", ", plain.Select(shard => shard.TrainDocuments))} documents none would have to move.");
        Assert.Equal(HeldOut(plain), HeldOut(balanced));
        Assert.Equal(HeldOut(plain), HeldOut(overlapping));

        static (PathId, long, long)[] HeldOut(ShardSize[] shards) => [.. shards.Select(shard => (shard.Path, shard.ValidationDocuments, shard.TestDocuments))];
    }

    private async Task<ShardSize[]> ShardsAsync(string name, RunConfig config)
    {
        Assert.True(await _runs.TrainUntilAsync(name, (_, runEvent) => runEvent is PhaseFinished, config));
        return [.. JsonSerializer.Deserialize<ShardMetrics>(
            new RunView(_runs.File(name)).Entries.Single(entry => entry.Kind == "shard").Metrics, TaskJson.Options)!.Paths];
    }
}
