using System.Net;
using DiPaCo.Cluster.Tests.Support;
using DiPaCo.Core;
using Xunit;

namespace DiPaCo.Cluster.Tests.Hosting;

/// <summary>Two silos on a real PostgreSQL server.</summary>
public sealed class ScaledOutTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    private static readonly string Key = BlobHash.Of([1]).Hex;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TwoSilos_HaveOneDispatcher_WhichMovesWhenItsSiloLeaves()
    {
        using TemporaryFolder folder = new();
        string database = await server.NewDatabaseAsync();
        await new ClusterDatabase(database).ApplySchemaAsync(Cancellation);
        SiloHost first = await StartAsync(folder, "first", database);
        SiloHost second = await StartAsync(folder, "second", database);
        try
        {
            await first.Link.RegisterAsync(Offer(), Cancellation);
            await second.Grains.GetGrain<IDispatcherGrain>(IDispatcherGrain.Key).OrderAsync(Order());
            long before = (await first.Link.LeaseAsync("w", 1, 1, [], Cancellation)).Task!.Lease;
            ClusterStatus seen = await second.Grains.GetGrain<IDispatcherGrain>(IDispatcherGrain.Key).StatusAsync();
            Assert.Single(seen.Workers);
            Assert.Single(seen.Tasks);

            await first.DisposeAsync();

            Assert.True((await second.Link.LeaseAsync("w", 1, 2, [], Cancellation)).UnknownWorker);
            await second.Link.RegisterAsync(Offer(), Cancellation);
            await second.Grains.GetGrain<IDispatcherGrain>(IDispatcherGrain.Key).OrderAsync(Order());
            Assert.True((await second.Link.LeaseAsync("w", 1, 2, [], Cancellation)).Task!.Lease > before);
        }
        finally
        {
            await second.DisposeAsync();
        }
    }

    private static Task<SiloHost> StartAsync(TemporaryFolder folder, string name, string database) => SiloHost.StartAsync(
        new SiloOptions { StateFolder = Path.Combine(folder.Path, name), Database = database, SiloAddress = IPAddress.Loopback },
        null, TimeProvider.System, Cancellation);

    private static TaskOrder Order() => new("run", Key, "train", [1, 2, 3], [], 0, 0, 0, "");

    private static WorkerOffer Offer() => new("w", 1, WorkerVersion.Text, "cpu", 1 << 30, 1e9, "print", 1);
}
