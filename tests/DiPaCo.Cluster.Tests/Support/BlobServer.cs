using DiPaCo.Cluster.Blobs;
using DiPaCo.Runtime.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace DiPaCo.Cluster.Tests.Support;

/// <summary>The blob endpoints on a real Kestrel, on a free port of this machine.</summary>
internal sealed class BlobServer : IAsyncDisposable
{
    private readonly WebApplication _application;

    private BlobServer(WebApplication application, IBlobStore store, BlobUploads uploads)
    {
        _application = application;
        Store = store;
        Uploads = uploads;
        string address = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        Address = new Uri(address);
    }

    public Uri Address { get; }

    public IBlobStore Store { get; }

    public BlobUploads Uploads { get; }

    public static Task<BlobServer> StartAsync(string folder) => StartAsync(folder, new BlobEndpointOptions());

    /// <summary>Starts it.</summary>
    /// <param name="folder">Holds blobs and unfinished uploads.</param>
    /// <param name="options">Of the endpoints.</param>
    /// <param name="store">Instead of a folder of files.</param>
    /// <param name="limits">Of Kestrel.</param>
    /// <param name="before">Runs before each request; what returns true is answered.</param>
    /// <param name="port">A free one if 0.</param>
    public static async Task<BlobServer> StartAsync(
        string folder,
        BlobEndpointOptions options,
        IBlobStore? store = null,
        Action<KestrelServerLimits>? limits = null,
        Func<HttpContext, Task<bool>>? before = null,
        int port = 0)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => limits?.Invoke(kestrel.Limits));
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        WebApplication application = builder.Build();
        if (before is not null)
        {
            application.Use(async (context, next) =>
            {
                if (!await before(context))
                {
                    await next(context);
                }
            });
        }

        store ??= new FolderBlobStore(Path.Combine(folder, "blobs"));
        var uploads = new BlobUploads(Path.Combine(folder, "uploads"), options);
        application.MapBlobs(store, uploads, options);
        application.MapBlobAdministration(store, uploads, options);
        await application.StartAsync();
        return new BlobServer(application, store, uploads);
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await _application.StopAsync(now.Token);
        await _application.DisposeAsync();
    }
}
