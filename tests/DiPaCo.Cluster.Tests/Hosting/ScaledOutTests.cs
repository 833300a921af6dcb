using System.Net;
using DiPaCo.Cluster.Tests.Support;
using DiPaCo.Core;
using DiPaCo.Tests;
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
        SiloHost[] silos = [await StartAsync(folder, "first", database), await StartAsync(folder, "second", database)];
        try
        {
            await silos[0].Link.RegisterAsync(Offer(), Cancellation);
            await Dispatcher(silos[1]).OrderAsync(Order());
            long before = (await silos[0].Link.LeaseAsync(new LeaseQuestion("w", 1, 1, []), Cancellation)).Task!.Lease;
            ClusterStatus seen = await Dispatcher(silos[1]).StatusAsync();
            Assert.Single(seen.Workers);
            Assert.Single(seen.Tasks);

            // Orleans chooses the silo of a grain; the one that matters here is the one that has it.
            SiloHost holder = await HasDispatcherAsync(silos[0]) ? silos[0] : silos[1];
            SiloHost other = holder == silos[0] ? silos[1] : silos[0];
            await holder.DisposeAsync();

            Assert.True((await other.Link.LeaseAsync(new LeaseQuestion("w", 1, 2, []), Cancellation)).UnknownWorker);
            await other.Link.RegisterAsync(Offer(), Cancellation);
            await Dispatcher(other).OrderAsync(Order());
            Assert.True((await other.Link.LeaseAsync(new LeaseQuestion("w", 1, 2, []), Cancellation)).Task!.Lease > before);
        }
        finally
        {
            await silos[0].DisposeAsync();
            await silos[1].DisposeAsync();
        }
    }

    private static IDispatcherGrain Dispatcher(SiloHost silo) => silo.Grains.GetGrain<IDispatcherGrain>(IDispatcherGrain.Key);

    private static async Task<bool> HasDispatcherAsync(SiloHost silo)
    {
        SiloAddress? address = await silo.Grains.GetGrain<IManagementGrain>(0).GetActivationAddress(Dispatcher(silo));
        return silo.Silo.Equals(address);
    }

    private static Task<SiloHost> StartAsync(TemporaryFolder folder, string name, string database) => SiloHost.StartAsync(
        new SiloOptions { StateFolder = Path.Combine(folder.Path, name), Database = database, SiloAddress = IPAddress.Loopback },
        null, TimeProvider.System, Cancellation);

    private static TaskOrder Order() => new("run", Key, "train", [1, 2, 3], [], 0, 0, 0, "");

    private static WorkerOffer Offer() => new("w", 1, WorkerVersion.Text, "cpu", 1 << 30, 1e9, "print", 1);
}
