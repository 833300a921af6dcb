using DiPaCo.Cluster.Blobs;
using DiPaCo.Cluster.Tests.Support;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using Xunit;

namespace DiPaCo.Cluster.Tests.Blobs;

public sealed class BlobCacheTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task FullCache_LetsGoOfWhatWasNotUsedForLongest()
    {
        using BlobCache cache = await OpenAsync(300);
        BlobHash a = await PutAsync(cache, 1), b = await PutAsync(cache, 2), c = await PutAsync(cache, 3);
        (await cache.TryLeaseAsync(a, default))!.Dispose();

        BlobHash d = await PutAsync(cache, 4);

        Assert.Equal([d, a, c], cache.LastUsed(10));
        Assert.Null(await cache.TryLeaseAsync(b, default));
        Assert.Equal(300, cache.Bytes);
    }

    [Fact]
    public async Task OrderOfUse_OutlivesTheProcess()
    {
        BlobHash a, b, c;
        var time = new SteppingTime();
        using (BlobCache cache = await BlobCache.OpenAsync(_folder.Path, 1000, time, default))
        {
            (a, b, c) = (await PutAsync(cache, 1), await PutAsync(cache, 2), await PutAsync(cache, 3));
            (await cache.TryLeaseAsync(a, default))!.Dispose();
        }

        using (BlobCache smaller = await OpenAsync(200))
        {
            Assert.Equal([a, c], smaller.LastUsed(10));
            Assert.Null(await smaller.TryLeaseAsync(b, default));
        }
    }

    [Fact]
    public async Task LeasedFiles_Stay_AndWhatDoesNotFitBesideThemIsRefused()
    {
        using BlobCache cache = await OpenAsync(250);
        using BlobLease first = await cache.PutAsync(Writing(1), default);
        using BlobLease second = await cache.PutAsync(Writing(2), default);

        StorageException exception = await Assert.ThrowsAsync<StorageException>(() => PutAsync(cache, 3));

        Assert.Contains("holds at most 250 bytes, of which 200 are in use", exception.Message, StringComparison.Ordinal);
        Assert.Contains("larger cache", exception.Message, StringComparison.Ordinal);
        Assert.Equal(Content(1), await File.ReadAllBytesAsync(first.Path));
        second.Dispose();
        BlobHash third = await PutAsync(cache, 3);
        Assert.Equal([third, first.Hash], cache.LastUsed(10));
    }

    [Fact]
    public async Task LeaseOfTwo_EndsWithTheSecond()
    {
        using BlobCache cache = await OpenAsync(100);
        BlobLease first = await cache.PutAsync(Writing(1), default);
        using BlobLease second = (await cache.TryLeaseAsync(first.Hash, default))!;

        first.Dispose();
        first.Dispose();

        await Assert.ThrowsAsync<StorageException>(() => PutAsync(cache, 2));
        Assert.True(File.Exists(second.Path));
    }

    [Fact]
    public async Task RemovedBlob_StaysForItsHolderAndIsGoneForOthers()
    {
        using BlobCache cache = await OpenAsync(1000);
        BlobLease lease = await cache.PutAsync(Writing(1), default);

        cache.Remove(lease.Hash);

        Assert.True(File.Exists(lease.Path));
        Assert.Null(await cache.TryLeaseAsync(lease.Hash, default));
        lease.Dispose();
        Assert.False(File.Exists(lease.Path));
        Assert.Equal(0, cache.Bytes);
    }

    [Fact]
    public async Task DamagedFile_IsNotHandedOut_AndMakesRoomForAGoodOne()
    {
        BlobHash hash;
        using (BlobCache cache = await OpenAsync(1000))
        {
            using BlobLease lease = await cache.PutAsync(Writing(1), default);
            hash = lease.Hash;
            await File.WriteAllBytesAsync(lease.Path, Content(2));
        }

        using BlobCache again = await OpenAsync(1000);

        Assert.Null(await again.TryLeaseAsync(hash, default));
        using BlobLease good = await again.PutAsync(Writing(1), default);
        Assert.Equal(Content(1), await File.ReadAllBytesAsync(good.Path));
    }

    [Fact]
    public async Task FolderInUse_IsRefused()
    {
        using BlobCache cache = await OpenAsync(1000);

        StorageException exception = await Assert.ThrowsAsync<StorageException>(() => OpenAsync(1000));

        Assert.Contains("in use by another worker", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LeftoversOfAKilledProcess_GoExceptDownloadsThatCanGoOn()
    {
        BlobHash hash = BlobHash.Of(Content(1));
        string part;
        using (BlobCache cache = await OpenAsync(1000))
        {
            part = cache.BeginPart(hash);
            await File.WriteAllBytesAsync(part, Content(1)[..50]);
            Directory.CreateDirectory(_folder.File("blobs"));
            await File.WriteAllTextAsync(_folder.File($"blobs/dipaco-{Guid.NewGuid():N}.tmp"), "half");
        }

        using BlobCache again = await OpenAsync(1000);

        Assert.Equal(50, new FileInfo(part).Length);
        Assert.Empty(Directory.GetFiles(_folder.File("blobs"), "*.tmp"));
        Assert.Empty(again.LastUsed(10));
        // Nobody goes on with it, so it is the first to go.
        for (int i = 2; i < 12; i++)
        {
            await PutAsync(again, i);
        }

        Assert.False(File.Exists(part));
        Assert.Equal(1000, again.Bytes);
    }

    [Fact]
    public async Task WhateverIsDone_LeasedFilesAreThereAndTheLimitHolds()
    {
        using BlobCache cache = await OpenAsync(2000);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(() => UseAsync(cache, worker))));

        Assert.True(cache.Bytes <= 2000);
        Assert.Equal(cache.Bytes, FolderContents.Of(_folder.File("blobs")).Values.Sum(hex => hex.Length / 2));
    }

    private static async Task UseAsync(BlobCache cache, int worker)
    {
        var random = new RandomStream(worker, "cache");
        Queue<BlobLease> leases = [];
        for (int i = 0; i < 300; i++)
        {
            int number = random.NextInt32(30);
            BlobLease? lease = await cache.TryLeaseAsync(BlobHash.Of(Content(number)), default) ?? await cache.PutAsync(Writing(number), default);
            if (random.NextInt32(20) == 0)
            {
                cache.Remove(lease.Hash);
            }

            leases.Enqueue(lease);
            Assert.All(leases, held => Assert.Equal(held.Hash, BlobHash.Of(File.ReadAllBytes(held.Path))));
            if (leases.Count > 2)
            {
                leases.Dequeue().Dispose();
            }
        }

        foreach (BlobLease lease in leases)
        {
            lease.Dispose();
        }
    }

    private static byte[] Content(int number) => [.. Enumerable.Repeat((byte)number, 100)];

    private static Func<Stream, CancellationToken, Task> Writing(int number) => async (stream, cancellation) => await stream.WriteAsync(Content(number), cancellation);

    private static async Task<BlobHash> PutAsync(BlobCache cache, int number)
    {
        using BlobLease lease = await cache.PutAsync(Writing(number), default);
        return lease.Hash;
    }

    private Task<BlobCache> OpenAsync(long bytes) => BlobCache.OpenAsync(_folder.Path, bytes, null, default);

    private sealed class SteppingTime : TimeProvider
    {
        private DateTimeOffset _now = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => _now += TimeSpan.FromSeconds(1);
    }
}
