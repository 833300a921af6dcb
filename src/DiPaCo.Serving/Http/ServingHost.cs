using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using DiPaCo.Serving.Models;
using DiPaCo.Serving.Scheduling;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace DiPaCo.Serving.Http;

/// <summary>A model behind an HTTP API that OpenAI's clients speak.</summary>
public sealed class ServingHost : IAsyncDisposable
{
    /// <summary>How long clients may take to fetch what is left for them once the server has stopped.</summary>
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(5);

    private readonly WebApplication _application;
    private readonly ServedEngine _engine;
    private readonly ServingState _state;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _refreshing;
    private bool _stopped;

    private ServingHost(WebApplication application, ServedEngine engine, ServingState state, ApiKeys? keys, TimeSpan refresh, Action<string> note)
    {
        _application = application;
        _engine = engine;
        _state = state;
        Keys = keys?.Count;
        _refreshing = RefreshAsync(refresh, state.Time, note);
    }

    /// <summary>Where it listens.</summary>
    public Uri Address => new(_application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    /// <summary>Name of the model.</summary>
    public string Model => _engine.Source.Current.Description.Name;

    /// <summary>Number of keys, one of which requests need; null: they need none.</summary>
    public int? Keys { get; }

    /// <summary>Requests that have not ended.</summary>
    public int Running => _state.Running;

    /// <summary>What the tests look into.</summary>
    internal int Places => _state.Places;

    /// <inheritdoc cref="Places"/>
    internal ServedEngine Engine => _engine;

    /// <summary>Starts to serve.</summary>
    /// <param name="folder">A run's folder, or an exported one.</param>
    /// <param name="options">How.</param>
    /// <param name="time">The clock.</param>
    /// <param name="note">Is told, in a line, of what happens: new versions, failures. Never of prompts.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <exception cref="DiPaCoException">
    /// The folder has no model, or not the router that re-routing asks for, the address is taken, keys or certificate cannot be used, or other machines could connect without TLS and keys.
    /// </exception>
    public static async Task<ServingHost> StartAsync(string folder, ServingOptions options, TimeProvider time, Action<string> note, CancellationToken cancellationToken)
    {
        ThrowIfOpen(options);
        ApiKeys? keys = options.KeyFile is { } file ? ApiKeys.Read(file) : null;
        ServedEngine engine = await ServedEngine.OpenAsync(
            folder, options.Weights, options.WeightBytes,
            new EngineOptions
            {
                Threads = options.Threads, MaxSequences = options.MaxSequences, MaxQueue = options.MaxQueue, CacheBytes = options.CacheBytes, Time = time, Idle = options.Idle,
            },
            cancellationToken);
        try
        {
            engine.Source.Current.ThrowIfImpossible(options.Limits.Reroute);
            await ModelSource.PreloadAsync(engine.Source.Current, hurry: new CancellationToken(canceled: true), cancellationToken);
            ServingState state = new(engine, options.Limits, time, note);
            WebApplication application = Build(options, state, keys);
            await StartAsync(application, options.Listen, cancellationToken);
            return new ServingHost(application, engine, state, keys, options.Refresh, note);
        }
        catch
        {
            await engine.DisposeAsync();
            throw;
        }
    }

    /// <summary>Stops: requests that run end at once.</summary>
    public ValueTask DisposeAsync() => new(StopAsync(TimeSpan.Zero));

    /// <summary>Stops: takes no more requests, and lets those that run come to their end.</summary>
    /// <param name="grace">For how long; what then still runs ends with an error that says so.</param>
    public async Task StopAsync(TimeSpan grace)
    {
        if (Interlocked.Exchange(ref _stopped, true))
        {
            return;
        }

        await _stop.CancelAsync();
        using CancellationTokenSource cut = new(grace + Farewell, _state.Time);
        Task stopping = _application.StopAsync(cut.Token);
        try
        {
            await stopping.WaitAsync(grace, _state.Time);
        }
        catch (TimeoutException)
        {
            // The sequences end with the engine, and with them the requests that the application waits for.
        }

        _engine.Engine.Dispose();
        await stopping;
        await _refreshing;
        await _application.DisposeAsync();
        await _engine.DisposeAsync();
        _stop.Dispose();
    }

    private static void ThrowIfOpen(ServingOptions options)
    {
        if (!IPAddress.IsLoopback(options.Listen.Address) && !options.Insecure && (options.Certificate is null || options.KeyFile is null))
        {
            throw new DiPaCoException(
                $"Other machines can reach {options.Listen}. That takes TLS (--certificate, --certificate-key) and keys (--keys), "
                + "or --insecure in a network in which nobody else is.");
        }
    }

    private static async Task StartAsync(WebApplication application, IPEndPoint listen, CancellationToken cancellationToken)
    {
        try
        {
            await application.StartAsync(cancellationToken);
        }
        catch (Exception exception)
        {
            await application.DisposeAsync();
            if (exception is SocketException or AddressInUseException || exception.InnerException is SocketException or AddressInUseException)
            {
                throw new DiPaCoException($"Cannot listen on {listen}: {(exception.InnerException ?? exception).Message.TrimEnd('.')}. Choose another address or port (--listen).", exception);
            }

            throw;
        }
    }

    private static WebApplication Build(ServingOptions options, ServingState state, ApiKeys? keys)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "dipaco" });
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(state.Time);
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();

        // How long requests have is said where the server is stopped.
        builder.Services.Configure<HostOptions>(static host => host.ShutdownTimeout = Timeout.InfiniteTimeSpan);
        builder.WebHost.UseKestrelCore();
        if (options.Certificate is not null)
        {
            builder.WebHost.UseKestrelHttpsConfiguration();
        }

        HttpsConnectionAdapterOptions? tls = options.Certificate is { } files ? TlsOf(files) : null;
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = options.Limits.MaxConnections;
            // A body that is too long is read to its end all the same, up to here: who is cut off while he sends sees no answer.
            kestrel.Limits.MaxRequestBodySize = 16 * options.Limits.MaxBodyBytes;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(options.Listen, listen =>
            {
                if (tls is not null)
                {
                    listen.UseHttps(tls);
                }
            });
        });
        WebApplication application = builder.Build();
        application.Use(next => context => new ApiGate(next, keys, options, state).RunAsync(context));
        application.UseRouting();
        Map(application, state);
        return application;
    }

    private static HttpsConnectionAdapterOptions TlsOf((string Certificate, string Key) files)
    {
        (X509Certificate2 certificate, X509Certificate2Collection chain) = PemCertificate.Read(files.Certificate, files.Key);
        return new HttpsConnectionAdapterOptions { ServerCertificate = certificate, ServerCertificateChain = chain };
    }

    private static void Map(WebApplication application, ServingState state)
    {
        foreach (string path in PageEndpoint.Paths)
        {
            application.MapGet(path, PageEndpoint.HandleAsync);
        }

        application.MapGet("/v1/models", context => ModelsEndpoint.ListAsync(context, state));
        application.MapGet("/v1/models/{name}", context => ModelsEndpoint.OneAsync(context, state, (string)context.GetRouteValue("name")!));
        application.MapPost("/v1/completions", context => CompletionEndpoint.HandleAsync(context, state));
        application.MapPost("/v1/chat/completions", context => ChatEndpoint.HandleAsync(context, state));
        application.MapPost("/v1/embeddings", context => EmbeddingsEndpoint.HandleAsync(context, state));
        application.MapPost("/v1/route", context => RouteEndpoint.HandleAsync(context, state));
        application.MapGet("/health/live", context => context.Response.WriteAsync("live\n", context.RequestAborted));
        application.MapGet("/health/ready", context =>
        {
            context.Response.StatusCode = state.Engine.Failure is null ? 200 : 503;
            return context.Response.WriteAsync(state.Engine.Failure is null ? "ready\n" : "failed\n", context.RequestAborted);
        });
        application.MapGet("/metrics", context => MetricsEndpoint.HandleAsync(context, state));
    }

    private async Task RefreshAsync(TimeSpan interval, TimeProvider time, Action<string> note)
    {
        string? problem = null;
        using PeriodicTimer timer = new(interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                try
                {
                    if (await _engine.Source.RefreshAsync(_stop.Token))
                    {
                        note($"Now serving {_engine.Source.Current.Description.ModelDigest} (phase {_engine.Source.Current.Description.PhasesDone}).");
                    }

                    problem = null;
                }
                catch (Exception exception) when (!_stop.IsCancellationRequested)
                {
                    // Whatever it is, the version before is served on, and the folder is looked at again. The same thing is said once, what is no user's mistake with its trace.
                    string said = exception is DiPaCoException or IOException or UnauthorizedAccessException ? exception.Message : exception.ToString();
                    if (said != problem)
                    {
                        problem = said;
                        note($"No new version: {problem} Serving the one before.");
                    }
                }
            }
        }
        catch (Exception) when (_stop.IsCancellationRequested)
        {
            // The server stops.
        }
    }
}
