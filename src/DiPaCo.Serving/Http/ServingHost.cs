using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using DiPaCo.Core;
using DiPaCo.Serving.Models;
using DiPaCo.Serving.Scheduling;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace DiPaCo.Serving.Http;

/// <summary>A model behind an HTTP API that OpenAI's clients speak.</summary>
public sealed class ServingHost : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly ServedEngine _engine;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _refreshing;
    private bool _disposed;

    private ServingHost(WebApplication application, ServedEngine engine, ServingOptions options, TimeProvider time, Action<string> note)
    {
        _application = application;
        _engine = engine;
        _refreshing = RefreshAsync(options.Refresh, time, note);
    }

    /// <summary>Where it listens.</summary>
    public Uri Address => new(_application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    /// <summary>Name of the model.</summary>
    public string Model => _engine.Source.Current.Description.Name;

    /// <summary>What the tests look into.</summary>
    internal ServedEngine Engine => _engine;

    /// <summary>Starts to serve.</summary>
    /// <param name="folder">A run's folder, or an exported one.</param>
    /// <param name="options">How.</param>
    /// <param name="time">The clock.</param>
    /// <param name="note">Is told, in a line, of what happens: new versions, failures. Never of prompts.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <exception cref="DiPaCoException">The folder has no model, the address is taken, or other machines could connect without TLS and keys.</exception>
    public static async Task<ServingHost> StartAsync(string folder, ServingOptions options, TimeProvider time, Action<string> note, CancellationToken cancellationToken)
    {
        ThrowIfOpen(options);
        ApiKeys? keys = options.KeyFile is { } file ? ApiKeys.Read(file) : null;
        ServedEngine engine = await ServedEngine.OpenAsync(
            folder, options.Weights, options.WeightBytes,
            new EngineOptions { Threads = options.Threads, MaxSequences = options.MaxSequences, MaxQueue = options.MaxQueue, CacheBytes = options.CacheBytes }, cancellationToken);
        try
        {
            await ModelSource.PreloadAsync(engine.Source.Current, oneByOne: false, cancellationToken);
            WebApplication application = Build(options, new ServingState(engine.Source, engine.Engine, engine.Store, options.Limits, time), keys, note);
            await StartAsync(application, options.Listen, cancellationToken);
            return new ServingHost(application, engine, options, time, note);
        }
        catch
        {
            await engine.DisposeAsync();
            throw;
        }
    }

    /// <summary>Stops: open requests end at once.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true))
        {
            return;
        }

        await _stop.CancelAsync();
        await _refreshing;

        // The engine first: its sequences end, and with them the requests that the application would wait for.
        _engine.Engine.Dispose();
        await _application.StopAsync();
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
        catch (Exception exception) when (exception is SocketException or AddressInUseException || exception.InnerException is SocketException or AddressInUseException)
        {
            await application.DisposeAsync();
            throw new DiPaCoException($"Cannot listen on {listen}: {(exception.InnerException ?? exception).Message}. Choose another address or port (--listen).", exception);
        }
    }

    private static WebApplication Build(ServingOptions options, ServingState state, ApiKeys? keys, Action<string> note)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "dipaco" });
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(state.Time);
        builder.WebHost.UseKestrelCore();
        if (options.Certificate is not null)
        {
            builder.WebHost.UseKestrelHttpsConfiguration();
        }

        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = options.Limits.MaxConnections;
            // A body that is too long is read to its end all the same, up to here: who is cut off while he sends sees no answer.
            kestrel.Limits.MaxRequestBodySize = 16 * options.Limits.MaxBodyBytes;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(options.Listen, listen =>
            {
                if (options.Certificate is { } files)
                {
                    listen.UseHttps(X509Certificate2.CreateFromPemFile(files.Certificate, files.Key));
                }
            });
        });
        WebApplication application = builder.Build();
        application.Use(next => context => new ApiGate(next, keys, options, note).RunAsync(context));
        application.UseRouting();
        Map(application, state);
        return application;
    }

    private static void Map(WebApplication application, ServingState state)
    {
        application.MapGet("/", PageEndpoint.HandleAsync);
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
                catch (Exception exception) when (exception is DiPaCoException or IOException or UnauthorizedAccessException && exception.Message != problem)
                {
                    problem = exception.Message;
                    note($"No new version: {problem} Serving the one before.");
                }
                catch (Exception exception) when (exception is DiPaCoException or IOException or UnauthorizedAccessException)
                {
                    // Said already.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }
}
