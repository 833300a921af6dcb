using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
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

    [Fact]
    public async Task ASilosPort_OpensToTheCertificateOfTheDatabase_AndToNoOther()
    {
        using TemporaryFolder folder = new();
        string database = await server.NewDatabaseAsync();
        await new ClusterDatabase(database).ApplySchemaAsync(Cancellation);
        await using SiloHost silo = await StartAsync(folder, "silo", database);
        using X509Certificate2 own = await new DatabaseDoor(database, TimeProvider.System).CertificateAsync(Cancellation);
        using X509Certificate2 made = X509CertificateLoader.LoadPkcs12(ServerCertificate.Make(TimeProvider.System.GetUtcNow()), null);

        Assert.True(await OpensAsync(silo.Silo.Endpoint, ServerCertificate.FingerprintOf(own), own));
        Assert.False(await OpensAsync(silo.Silo.Endpoint, ServerCertificate.FingerprintOf(own), made));
        Assert.False(await OpensAsync(silo.Silo.Endpoint, ServerCertificate.FingerprintOf(own), null));
    }

    /// <summary>Whether a silo keeps a connection open, or says something, after TLS. In TLS 1.3 a client learns only then that its certificate was not liked.</summary>
    private static async Task<bool> OpensAsync(IPEndPoint endpoint, string silo, X509Certificate2? certificate)
    {
        using TcpClient client = new();
        await client.ConnectAsync(endpoint, Cancellation);
        await using SslStream stream = new(client.GetStream(), leaveInnerStreamOpen: false, (_, shown, _, _) => ServerCertificate.Matches(shown, silo));
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        try
        {
            await stream.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions { TargetHost = "silo", ClientCertificates = certificate is null ? [] : [certificate] }, Cancellation);
            patience.CancelAfter(TimeSpan.FromSeconds(3));
            return await stream.ReadAsync(new byte[1], patience.Token) > 0;
        }
        catch (OperationCanceledException) when (!Cancellation.IsCancellationRequested)
        {
            return true;
        }
        catch (Exception exception) when (exception is IOException or AuthenticationException)
        {
            return false;
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
