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

    private readonly IHost _host;
    private readonly string? _publicHost;

    private bool _disposed;

    private SiloHost(IHost host, string? publicHost, TokenStore tokens, string certificate)
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

    /// <summary>The tokens that it accepts.</summary>
    public TokenStore Tokens { get; }

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

        TokenStore tokens = new(TokenStore.FileOf(options.StateFolder), time);
        (IHost host, string fingerprint) = options.Listen is { } endpoint ? Listening(options, endpoint, tokens, blobs, time) : (Silent(options, blobs, time), "");
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

        return silo;
    }

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

    private static IHost Silent(SiloOptions options, IBlobStore? blobs, TimeProvider time)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ApplicationName = "dipaco", DisableDefaults = true });
        Common(builder.Services, options, blobs, time);
        builder.UseOrleans(silo => Configure(silo, options));
        return builder.Build();
    }

    private static (IHost Host, string Fingerprint) Listening(
        SiloOptions options, IPEndPoint endpoint, TokenStore tokens, IBlobStore? blobs, TimeProvider time)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "dipaco" });
        Common(builder.Services, options, blobs, time);
        builder.Services.AddRouting();
        builder.Services.AddGrpc(grpc => grpc.MaxReceiveMessageSize = Runtime.Tasks.TaskSpecJson.MaximumBytes);
        builder.UseOrleans(silo => Configure(silo, options));
        X509Certificate2? certificate = options.Insecure ? null
            : options.Certificate is { } files ? ServerCertificate.Read(files.Certificate, files.Key)
            : ServerCertificate.Own(Path.Combine(options.StateFolder, "silo.pfx"), time.GetUtcNow());
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

        return (application, certificate is null ? "" : ServerCertificate.FingerprintOf(certificate));
    }

    private static void Common(IServiceCollection services, SiloOptions options, IBlobStore? blobs, TimeProvider time)
    {
        services.AddSingleton(time);
        services.AddSingleton(options);
        services.AddSingleton(new ResultGuard(blobs));
        services.AddSingleton<IWorkerLink>(provider => new GrainWorkerLink(provider.GetRequiredService<IGrainFactory>()));
        services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Warning));
    }

    private static void Configure(ISiloBuilder silo, SiloOptions options)
    {
        silo.Configure<ClusterOptions>(cluster =>
        {
            cluster.ClusterId = "dipaco";
            cluster.ServiceId = "dipaco";
        });
        int port = options.SiloPort > 0 ? options.SiloPort : FreePort();
        if (options.Database is { } database)
        {
            silo.ConfigureEndpoints(options.SiloAddress, port, gatewayPort: 0, listenOnAnyHostAddress: !IPAddress.IsLoopback(options.SiloAddress));
            silo.UseAdoNetClustering(clustering =>
            {
                clustering.Invariant = "Npgsql";
                clustering.ConnectionString = database;
            });
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
