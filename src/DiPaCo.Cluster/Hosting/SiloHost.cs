using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using DiPaCo.Cluster.Api;
using DiPaCo.Cluster.Blobs;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Providers;
using Orleans.Storage;

namespace DiPaCo.Cluster;

/// <summary>A silo in this process: the grains, and where it listens the endpoints for workers.</summary>
public sealed class SiloHost : IAsyncDisposable
{
    private const int MostConnections = 20_000;

    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(2.5);
    private static readonly TimeSpan AliveEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RemindersEvery = TimeSpan.FromSeconds(15);

    private readonly IHost _host;
    private readonly string? _publicHost;

    private DatabaseDoor? _shared;
    private bool _disposed;

    private SiloHost(IHost host, string? publicHost, ITokens tokens, string certificate)
    {
        _host = host;
        _publicHost = publicHost;
        Tokens = tokens;
        Certificate = certificate;
    }

    /// <summary>The way to the dispatcher, for workers in this process.</summary>
    public IWorkerLink Link => _host.Services.GetRequiredService<IWorkerLink>();

    /// <summary>Finds grains.</summary>
    public IGrainFactory Grains => _host.Services.GetRequiredService<IGrainFactory>();

    /// <summary>What other silos know it by.</summary>
    public SiloAddress Silo => _host.Services.GetRequiredService<ILocalSiloDetails>().SiloAddress;

    /// <summary>Ends when the silo does without being told: the others have given it up.</summary>
    public Task Ended => _host.WaitForShutdownAsync();

    /// <summary>The tokens that it accepts.</summary>
    public ITokens Tokens { get; }

    /// <summary>SHA-256 of its certificate; empty without TLS.</summary>
    public string Certificate { get; }

    /// <summary>Where it listens; empty: nowhere.</summary>
    public IReadOnlyList<Uri> Addresses => [.. (_host.Services.GetService<IServer>()?.Features.Get<IServerAddressesFeature>()?.Addresses ?? []).Select(address => new Uri(address))];

    /// <summary>Starts a silo.</summary>
    /// <param name="options">How.</param>
    /// <param name="blobs">Where the blobs are that workers read and write; null: only workers of this process compute.</param>
    /// <param name="time">For leases.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <exception cref="DiPaCoException">The address is taken or not this machine's, the state cannot be used, or the database is not ready.</exception>
    public static async Task<SiloHost> StartAsync(SiloOptions options, IBlobStore? blobs, TimeProvider time, CancellationToken cancellationToken)
    {
        ThrowIfOpen(options);
        if (options.Database is { } database)
        {
            await new ClusterDatabase(database).ThrowIfNotReadyAsync(cancellationToken);
        }

        ITokens tokens = options.Database is null ? new TokenStore(TokenStore.FileOf(options.StateFolder), time) : new DatabaseTokens(options.Database, time);
        using X509Certificate2? certificate = options.Listen is null ? null : await CertificateAsync(options, time, cancellationToken);
        string fingerprint = certificate is null ? "" : ServerCertificate.FingerprintOf(certificate);
        SiloLink? link = options is { Database: { } common, Insecure: false } ? new SiloLink(await new DatabaseDoor(common, time).CertificateAsync(cancellationToken)) : null;
        IHost host = options.Listen is { } endpoint ? Listening(options, endpoint, certificate, link, tokens, blobs, time) : Silent(options, link, blobs, time);
        try
        {
            await host.StartAsync(cancellationToken);
        }
        catch (IOException exception) when (exception.InnerException is SocketException or AddressInUseException)
        {
            await StopAsync(host);
            throw new DiPaCoException($"Cannot listen on {options.Listen}: {exception.InnerException!.Message}. Choose another address or port (--listen).", exception);
        }
        catch (SocketException exception)
        {
            await StopAsync(host);
            throw new DiPaCoException($"Cannot listen on {options.Listen}: {exception.Message}. Choose an address of this machine (--listen).", exception);
        }

        SiloHost silo = new(host, options.PublicHost, tokens, fingerprint);
        if (options.Listen is not null)
        {
            silo.Door.Write(options.StateFolder);
        }

        if (options.Database is not null && blobs is not null)
        {
            await silo.Grains.GetGrain<ICollectorGrain>(ICollectorGrain.Key).StartAsync();
        }

        if (options.Database is { } shared && options.Listen is not null)
        {
            // Last: whoever is invited from now on is sent here.
            silo._shared = new DatabaseDoor(shared, time);
            await silo._shared.OpenAsync(options.Name.Length > 0 ? options.Name : silo.Silo.ToString(), silo.Door, cancellationToken);
        }

        return silo;
    }

    /// <summary>The user's certificate, the one that all silos of the database share, or this silo's own; null without TLS.</summary>
    private static async Task<X509Certificate2?> CertificateAsync(SiloOptions options, TimeProvider time, CancellationToken cancellationToken) =>
        options.Insecure ? null
        : options.Certificate is { } files ? ServerCertificate.Read(files.Certificate, files.Key)
        : options.Database is { } database ? await new DatabaseDoor(database, time).CertificateAsync(cancellationToken)
        : ServerCertificate.Own(Path.Combine(options.StateFolder, "silo.pfx"), time.GetUtcNow());

    /// <summary>One string with which a worker joins.</summary>
    /// <param name="token">Its token.</param>
    public Invitation InvitationFor(string token) => Door.InvitationFor(token);

    private DoorFile Door => new(
        [.. Addresses.Select(address => (_publicHost is null ? address : new UriBuilder(address) { Host = _publicHost }.Uri).ToString())], Certificate);

    /// <summary>Stops the silo; what is under way elsewhere goes on without it.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true))
        {
            return;
        }

        if (_shared is not null)
        {
            try
            {
                await _shared.CloseAsync(Door, CancellationToken.None);
            }
            catch (Exception exception) when (exception is StorageException or DatabaseAwayException)
            {
                // The database is gone; who reads the door later finds one that does not open, and tries the next.
            }
        }

        await _host.StopAsync();
        await StopAsync(_host);
    }

    private static async ValueTask StopAsync(IHost host)
    {
        if (host is IAsyncDisposable disposable)
        {
            await disposable.DisposeAsync();
        }
        else
        {
            host.Dispose();
        }
    }

    private static void ThrowIfOpen(SiloOptions options)
    {
        if (options.Lease < TimeSpan.FromSeconds(2))
        {
            throw new DiPaCoException($"A lease of {options.Lease.TotalSeconds:0.###} s is too short for the heartbeats that keep it; at least 2 s are expected.");
        }

        if (options.Listen is { } endpoint && options.Insecure && options.Certificate is not null)
        {
            throw new DiPaCoException($"--insecure and a certificate for {endpoint} contradict each other; leave one of them out.");
        }
    }

    private static IHost Silent(SiloOptions options, SiloLink? link, IBlobStore? blobs, TimeProvider time)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ApplicationName = "dipaco", DisableDefaults = true });
        Common(builder.Services, options, blobs, time);
        builder.UseOrleans(silo => Configure(silo, options, link));
        return builder.Build();
    }

    private static WebApplication Listening(
        SiloOptions options, IPEndPoint endpoint, X509Certificate2? own, SiloLink? link, ITokens tokens, IBlobStore? blobs, TimeProvider time)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "dipaco" });
        Common(builder.Services, options, blobs, time);
        builder.Services.AddRouting();
        builder.Services.AddGrpc(grpc => grpc.MaxReceiveMessageSize = Runtime.Tasks.TaskSpecJson.MaximumBytes);
        builder.UseOrleans(silo => Configure(silo, options, link));
        X509Certificate2? certificate = own is null ? null : X509CertificateLoader.LoadPkcs12(own.Export(X509ContentType.Pkcs12), null);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MostConnections;
            kestrel.Listen(endpoint, listen =>
            {
                // Without TLS nothing tells HTTP/1 from HTTP/2, and gRPC needs HTTP/2; blobs travel in it as well.
                listen.Protocols = certificate is null ? HttpProtocols.Http2 : HttpProtocols.Http1AndHttp2;
                if (certificate is not null)
                {
                    listen.UseHttps(certificate);
                }
            });
        });

        WebApplication application = builder.Build();
        application.UseRouting();
        application.UseMiddleware<TokenGate>(tokens, time);
        application.MapGrpcService<WorkerService>();
        application.MapGrpcService<OperatorService>();
        if (blobs is not null)
        {
            BlobEndpointOptions limits = new();
            application.MapBlobs(blobs, new BlobUploads(Path.Combine(options.StateFolder, "uploads"), limits, time), limits);
        }

        return application;
    }

    private static void Common(IServiceCollection services, SiloOptions options, IBlobStore? blobs, TimeProvider time)
    {
        services.AddSingleton(time);
        services.AddSingleton(options);
        services.AddSingleton(new ResultGuard(blobs));
        if (options.Database is { } database && blobs is not null)
        {
            DatabaseCalls calls = new(database, time);
            services.AddSingleton(new RunServices(new RunTable(calls, blobs), blobs, Path.Combine(options.StateFolder, "runs"), options.CollectAfter, time));
        }

        services.AddSingleton<IWorkerLink>(provider => new GrainWorkerLink(provider.GetRequiredService<IGrainFactory>()));
        services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Warning));
    }

    private static void Configure(ISiloBuilder silo, SiloOptions options, SiloLink? link)
    {
        silo.Configure<ClusterOptions>(cluster =>
        {
            cluster.ClusterId = "dipaco";
            cluster.ServiceId = "dipaco";
        });
        link?.Secure(silo);
        int port = options.SiloPort > 0 ? options.SiloPort : FreePort();
        if (options.Database is { } database)
        {
            silo.ConfigureEndpoints(options.SiloAddress, port, gatewayPort: 0, listenOnAnyHostAddress: false);
            silo.UseAdoNetClustering(clustering =>
            {
                clustering.Invariant = "Npgsql";
                clustering.ConnectionString = database;
            });
            silo.Configure<ClusterMembershipOptions>(membership =>
            {
                // A silo that is gone is noticed within some seconds; runs that it hosted wait no longer than that.
                membership.ProbeTimeout = ProbeTimeout;
                membership.IAmAliveTablePublishTimeout = AliveEvery;
                membership.TableRefreshTimeout = AliveEvery;
            });
            silo.Configure<ReminderOptions>(reminders =>
            {
                reminders.MinimumReminderPeriod = RunGrain.ReminderPeriod;
                reminders.RefreshReminderListPeriod = RemindersEvery;
            });
            silo.Configure<Orleans.Configuration.SiloOptions>(named => named.SiloName = options.Name.Length > 0 ? options.Name : named.SiloName);
            silo.UseAdoNetReminderService(reminders =>
            {
                reminders.Invariant = "Npgsql";
                reminders.ConnectionString = database;
            });
            silo.AddAdoNetGrainStorageAsDefault(storage =>
            {
                storage.Invariant = "Npgsql";
                storage.ConnectionString = database;
            });
            return;
        }

        silo.UseLocalhostClustering(siloPort: port, gatewayPort: 0, serviceId: "dipaco", clusterId: "dipaco");
        silo.UseInMemoryReminderService();
        silo.Services.AddSingleton<IGrainStorage>(new FileGrainStorage(Path.Combine(options.StateFolder, "grains")));
        silo.Services.AddKeyedSingleton(ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME, (services, _) => services.GetRequiredService<IGrainStorage>());
    }

    /// <summary>A port that was free a moment ago; Orleans cannot be told to take any.</summary>
    private static int FreePort()
    {
        using TcpListener probe = new(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
