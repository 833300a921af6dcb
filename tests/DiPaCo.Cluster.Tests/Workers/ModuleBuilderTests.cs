using System.Collections.Immutable;
using DiPaCo.Cluster.Blobs;
using DiPaCo.Cluster.Tests.Support;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Training;
using DiPaCo.Training.Codecs;
using Xunit;

namespace DiPaCo.Cluster.Tests.Workers;

/// <summary>A worker builds modules from the version before, over a real connection, and never takes anything for them that they are not.</summary>
public sealed class ModuleBuilderTests : IAsyncLifetime
{
    private static readonly TransformerShape Shape = new()
    {
        Vocabulary = 800, Blocks = 1, Width = 64, Heads = 2, KeyValueHeads = 2, HeadWidth = 32, FeedForward = 96,
    };

    private static readonly ImmutableArray<TransformerPart> Parts = [.. TransformerPart.All(1)];
    private static readonly ModuleLayout Layout = ModuleLayout.Of(Shape, Parts);

    private readonly TemporaryFolder _folder = new();
    private BlobServer _server = null!;
    private BlobCache _cache = null!;
    private HttpClient _http = null!;
    private HttpBlobStore _store = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await BlobServer.StartAsync(_folder.File("server"));
        _cache = await BlobCache.OpenAsync(_folder.File("cache"), 100 << 20, null, Cancellation);
        _http = HttpBlobStore.CreateClient(_server.Address);
        _store = new HttpBlobStore(_http, _cache, new RemoteBlobOptions { Client = "builder" }, TimeProvider.System);
    }

    public async ValueTask DisposeAsync()
    {
        _store.Dispose();
        _http.Dispose();
        _cache.Dispose();
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(DownloadCodec.Int8, 3.8)]
    [InlineData(DownloadCodec.Int4, 7)]
    public async Task AWorkerWithTheVersionBefore_FetchesTheDifferenceOnly(DownloadCodec download, double times)
    {
        BuildableModule module = await PublishAsync(download);
        await _store.GetFileAsync(module.Delta.Base, Cancellation);
        (long before, long whole) = (_store.Counts.BytesReceived, (await _server.Store.FindAsync(module.Blob, Cancellation))!.Value.Bytes);

        await new CachedBlobs(_store).BuildAsync([module, module], Cancellation);

        Assert.InRange((double)whole / (_store.Counts.BytesReceived - before), times, times * 1.05);
        byte[] built = await File.ReadAllBytesAsync(await _store.GetFileAsync(module.Blob, Cancellation), Cancellation);
        Assert.Equal(module.Blob, BlobHash.Of(built));
        Assert.Equal((1L, 2L), (_store.Counts.ModulesBuilt, _store.Counts.Downloads));
    }

    [Fact]
    public async Task AWorkerWithoutTheVersionBefore_FetchesTheWholeAndNothingElse()
    {
        BuildableModule module = await PublishAsync(DownloadCodec.Int8);

        await new CachedBlobs(_store).BuildAsync([module], Cancellation);
        await _store.GetFileAsync(module.Blob, Cancellation);

        Assert.Equal((0L, 1L), (_store.Counts.ModulesBuilt, _store.Counts.Downloads));
        Assert.Equal((await _server.Store.FindAsync(module.Blob, Cancellation))!.Value.Bytes, _store.Counts.BytesReceived);
    }

    [Fact]
    public async Task ADamagedVersionBefore_IsNotBuiltOn()
    {
        BuildableModule module = await PublishAsync(DownloadCodec.Int8);
        string file = await _store.GetFileAsync(module.Delta.Base, Cancellation);
        byte[] bytes = await File.ReadAllBytesAsync(file, Cancellation);
        bytes[^5] ^= 1;
        await File.WriteAllBytesAsync(file, bytes, Cancellation);
        _store.Dispose();
        _cache.Dispose();
        _cache = await BlobCache.OpenAsync(_folder.File("cache"), 100 << 20, null, Cancellation);
        _store = new HttpBlobStore(_http, _cache, new RemoteBlobOptions { Client = "builder" }, TimeProvider.System);

        await AssertWholeIsFetchedAsync(module);
    }

    [Theory]
    [InlineData("lost")]
    [InlineData("none")]
    [InlineData("short")]
    [InlineData("other length")]
    [InlineData("scale without end")]
    [InlineData("another difference")]
    public async Task ADifferenceThatLeadsNowhere_IsNotBuiltOn(string what)
    {
        BuildableModule module = await PublishAsync(DownloadCodec.Int8);
        await _store.GetFileAsync(module.Delta.Base, Cancellation);
        byte[] honest = await File.ReadAllBytesAsync(await _server.Store.GetFileAsync(module.Delta.Blob, Cancellation), Cancellation);
        byte[]? hostile = what switch
        {
            "none" => [],
            "short" => honest[..^66],
            "other length" => Encode(new float[(int)Layout.Length + 64]),
            "scale without end" => WithScale(honest, 0x7F80),
            "another difference" => Encode([.. Enumerable.Range(0, (int)Layout.Length).Select(i => i % 5 * 1e-3f)]),
            _ => null,
        };
        BlobHash blob = hostile is null ? BlobHash.Of([1]) : await _server.Store.PutAsync(hostile, Cancellation);

        await AssertWholeIsFetchedAsync(module with { Delta = module.Delta with { Blob = blob } });
        Assert.DoesNotContain(_cache.LastUsed(100), hash => hash != module.Blob && hash != module.Delta.Base && hash != blob);
    }

    [Fact]
    public async Task ATaskOrder_NamesTheVersionsBefore_SoThatWorkersWithThemArePreferred()
    {
        await using LabSilo silo = await LabSilo.StartAsync(Cancellation);
        BlobHash before = BlobHash.Of([7]);
        TrainSpec spec = silo.Spec with
        {
            Model = silo.Spec.Model with { Modules = [.. silo.Spec.Model.Modules.Select(module => module with { Delta = new VersionDelta(before, BlobHash.Of([8])) })] },
        };
        using CancellationTokenSource enough = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        foreach (string worker in new[] { "without", "with" })
        {
            await silo.Link.RegisterAsync(LabSilo.Offer(worker), Cancellation);
        }

        Task<LeaseOutcome> without = silo.Link.LeaseAsync(new LeaseQuestion("without", 1, 1, []), enough.Token);
        Task<LeaseOutcome> with = silo.Link.LeaseAsync(new LeaseQuestion("with", 1, 1, [before.Hex]), enough.Token);
        Task<TaskResult> wanted = silo.Executor().ExecuteAsync(spec, silo.Lab.Store, null, enough.Token);

        Assert.Same(with, await Task.WhenAny(with, without));
        Assert.Equal(spec.Key().Hex, (await with).Task!.Key);
        Assert.False(without.IsCompleted);
        await enough.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wanted);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => without);
    }

    private async Task AssertWholeIsFetchedAsync(BuildableModule module)
    {
        await new CachedBlobs(_store).BuildAsync([module], Cancellation);

        Assert.Equal(0, _store.Counts.ModulesBuilt);
        long before = _store.Counts.BytesReceived;
        Assert.Equal(module.Blob, BlobHash.Of(await File.ReadAllBytesAsync(await _store.GetFileAsync(module.Blob, Cancellation), Cancellation)));
        Assert.Equal((await _server.Store.FindAsync(module.Blob, Cancellation))!.Value.Bytes, _store.Counts.BytesReceived - before);
    }

    /// <summary>An outer step at the server.</summary>
    private async Task<BuildableModule> PublishAsync(DownloadCodec download)
    {
        OuterSpec spec = new(
            Shape, new ModuleInput(new ModuleId("m"), Parts, await WriteAsync(1)), null, [new Contribution(new PathId(0), await WriteAsync(2), 1)],
            new OuterStepOptions(0.7, 0.9, 1)) { Download = download };
        using LocalExecutor executor = DiPaCo.Tests.TrainingLab.NewWorker();
        PublishedVersion version = spec.PublishedOf(await executor.ExecuteAsync(spec, _server.Store, null, Cancellation))!;
        return new BuildableModule(Shape, Parts, version.Blob, version.Delta!);
    }

    private Task<BlobHash> WriteAsync(int seed)
    {
        RandomStream random = new(seed, "module-builder");
        float[] values = new float[Layout.Length];
        foreach (NamedTensor tensor in Layout.Tensors)
        {
            for (long i = 0; i < tensor.Length; i++)
            {
                values[tensor.Offset + i] = (float)random.NextGaussian();
            }
        }

        return _server.Store.PutAsync(stream => ModuleFile.Write(stream, Layout, values), Cancellation);
    }

    private static byte[] Encode(float[] delta)
    {
        Int8Codec codec = new();
        byte[] bytes = new byte[codec.BytesFor(delta.Length)];
        codec.Encode(delta, new float[delta.Length], bytes);
        return bytes;
    }

    /// <summary>With another scale of its first block, and the checksum that belongs to it (bitwise CRC-32C of all but itself).</summary>
    private static byte[] WithScale(byte[] delta, ushort scale)
    {
        byte[] changed = [.. delta];
        BitConverter.GetBytes(scale).CopyTo(changed, DeltaHeader.Bytes);
        uint crc = ~0u;
        foreach (byte value in changed.Where((_, i) => i is < 20 or >= 24))
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ (0x82F63B78 & (0 - (crc & 1)));
            }
        }

        BitConverter.GetBytes(~crc).CopyTo(changed, 20);
        return changed;
    }
}
