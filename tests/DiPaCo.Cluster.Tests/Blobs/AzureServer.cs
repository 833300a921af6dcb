using Azure.Storage.Blobs;
using DiPaCo.Cluster.Blobs;
using DiPaCo.Cluster.Tests.Support;

namespace DiPaCo.Cluster.Tests.Blobs;

/// <summary>Microsoft's emulator of Azure Blob Storage, started once for a class of tests.</summary>
public sealed class AzureServer : IAsyncDisposable
{
    // The emulator's well-known account; it opens nothing else.
    private const string Account = "devstoreaccount1";
    private const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    private NodeServer? _server;

    internal BlobContainerClient Container { get; private set; } = null!;

    /// <summary>Starts it where it does not run yet. A test asks for it, because a class's fixture cannot skip its tests.</summary>
    public async ValueTask StartAsync()
    {
        if (_server is not null)
        {
            return;
        }

        _server = await NodeServer.StartOrSkipAsync(
            "azurite/dist/src/blob/main.js", string.Empty, "--blobHost", "127.0.0.1", "--blobPort", "0", "--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck", "--silent");
        Container = AzureBlobStore.CreateClient(
            $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};BlobEndpoint={_server.Address}{Account};", "blobs");
        await Container.CreateIfNotExistsAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }
}
