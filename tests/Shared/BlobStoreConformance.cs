using System.Text;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using Xunit;

namespace DiPaCo.Tests;

/// <summary>What every blob store does, whatever it stores blobs in. A store's test class inherits these.</summary>
public abstract class BlobStoreConformance
{
    private readonly byte[] _hello = Encoding.UTF8.GetBytes("hello");

    protected abstract IBlobStore Store { get; }

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task PutBlob_IsNamedByItsSha256_AndComesBack()
    {
        BlobHash hash = await Store.PutAsync(_hello, Cancellation);

        Assert.Equal("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", hash.Hex);
        Assert.True(await Store.ExistsAsync(hash, Cancellation));
        Assert.Equal(_hello, await Store.ReadAllBytesAsync(hash, 5, Cancellation));
        Assert.Equal(_hello, await File.ReadAllBytesAsync(await Store.GetFileAsync(hash, Cancellation), Cancellation));
        Assert.Equal(BlobCondition.Intact, await Store.VerifyAsync(hash, Cancellation));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(100_000, 7)]
    [InlineData(262_144, 262_144)]
    [InlineData(262_145, 262_143)]
    [InlineData(3_000_000, 3_000_000)]
    [InlineData(3_000_000, 299_999)]
    public async Task BlobWrittenInPieces_IsTheWhole(int length, int piece)
    {
        byte[] bytes = Bytes(length);

        BlobHash hash = await Store.PutAsync(
            async (stream, cancellation) =>
            {
                for (int at = 0; at < length; at += piece)
                {
                    ReadOnlyMemory<byte> next = bytes.AsMemory(at, Math.Min(piece, length - at));
                    if (at % 2 == 0)
                    {
                        stream.Write(next.Span);
                    }
                    else
                    {
                        await stream.WriteAsync(next, cancellation);
                    }
                }
            },
            Cancellation);

        Assert.Equal(BlobHash.Of(bytes), hash);
        Assert.Equal(bytes, await Store.ReadAllBytesAsync(hash, length, Cancellation));
    }

    [Fact]
    public async Task PuttingTwice_KeepsOne()
    {
        BlobHash first = await Store.PutAsync(_hello, Cancellation);
        BlobHash second = await Store.PutAsync(stream => stream.Write(_hello), Cancellation);

        Assert.Equal(first, second);
        Assert.Equal([new(first, 5)], await ListAsync());
    }

    [Fact]
    public async Task Enumeration_IsOrderedByHash()
    {
        List<BlobHash> hashes = [];
        for (int i = 0; i < 20; i++)
        {
            hashes.Add(await Store.PutAsync(new byte[i], Cancellation));
        }

        hashes.Sort();
        Assert.Equal(hashes, (await ListAsync()).Select(blob => blob.Key));
    }

    [Fact]
    public async Task DeletedBlob_IsMissing()
    {
        BlobHash hash = await Store.PutAsync(_hello, Cancellation);

        Assert.True(await Store.DeleteAsync(hash, Cancellation));

        Assert.False(await Store.DeleteAsync(hash, Cancellation));
        Assert.False(await Store.ExistsAsync(hash, Cancellation));
        Assert.Equal(BlobCondition.Missing, await Store.VerifyAsync(hash, Cancellation));
        Assert.Equal(hash, (await Assert.ThrowsAsync<MissingBlobException>(() => Store.OpenReadAsync(hash, Cancellation))).Hash);
        await Assert.ThrowsAsync<MissingBlobException>(() => Store.GetFileAsync(hash, Cancellation));
        Assert.Empty(await ListAsync());
    }

    [Fact]
    public async Task StoredBlob_IsFoundWithItsSize_AndAMissingOneIsNot()
    {
        DateTimeOffset before = TimeProvider.System.GetUtcNow();
        BlobHash hash = await Store.PutAsync(Bytes(1234), Cancellation);

        BlobInfo? info = await Store.FindAsync(hash, Cancellation);

        Assert.Equal((hash, 1234L), (info!.Value.Hash, info.Value.Bytes));
        // Never earlier than it was: a collector would take a blob that was just put. Clocks of file systems tick coarsely.
        Assert.InRange(info.Value.LastPut, before.AddMilliseconds(-20), TimeProvider.System.GetUtcNow().AddSeconds(1));
        Assert.Null(await Store.FindAsync(BlobHash.Of([1, 2, 3]), Cancellation));
    }

    [Fact]
    public async Task RenewedBlob_IsAsYoungAsOnePutNow_UnlessItHasAnotherSize()
    {
        BlobHash hash = await Store.PutAsync(_hello, Cancellation);
        DateTimeOffset put = (await Store.FindAsync(hash, Cancellation))!.Value.LastPut;

        Assert.True(await Store.RenewAsync(hash, 5, Cancellation));
        Assert.False(await Store.RenewAsync(hash, 4, Cancellation));
        Assert.False(await Store.RenewAsync(BlobHash.Of([9]), 1, Cancellation));

        Assert.True((await Store.FindAsync(hash, Cancellation))!.Value.LastPut >= put);
        Assert.Equal(_hello, await Store.ReadAllBytesAsync(hash, 5, Cancellation));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2_500_000)]
    public async Task FilePutUnderItsHash_IsStoredAndConsumed(int length)
    {
        byte[] bytes = Bytes(length);
        string file = Path.GetTempFileName();
        await File.WriteAllBytesAsync(file, bytes, Cancellation);

        await Store.PutFileAsync(file, BlobHash.Of(bytes), Cancellation);

        Assert.False(File.Exists(file));
        Assert.Equal(bytes, await Store.ReadAllBytesAsync(BlobHash.Of(bytes), length, Cancellation));
    }

    [Fact]
    public async Task FilePutUnderAnotherHash_IsRefusedAndLeavesNothing()
    {
        string file = Path.GetTempFileName();
        await File.WriteAllBytesAsync(file, _hello, Cancellation);
        BlobHash other = BlobHash.Of([1]);

        BlobMismatchException exception = await Assert.ThrowsAsync<BlobMismatchException>(() => Store.PutFileAsync(file, other, Cancellation));

        Assert.Equal((other, BlobHash.Of(_hello)), (exception.Expected, exception.Found));
        Assert.False(File.Exists(file));
        Assert.Empty(await ListAsync());
    }

    [Fact]
    public async Task FileThatIsNotThere_IsAClearError() =>
        await Assert.ThrowsAsync<StorageException>(() => Store.PutFileAsync(Path.Combine(Path.GetTempPath(), "dipaco-no-such-file"), BlobHash.Of([]), Cancellation));

    [Fact]
    public async Task BlobReadByManyAtOnce_IsTheSameForAll()
    {
        byte[] bytes = Bytes(700_001);
        BlobHash hash = await Store.PutAsync(bytes, Cancellation);

        byte[][] read = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Store.ReadAllBytesAsync(hash, bytes.Length, Cancellation))));

        Assert.All(read, one => Assert.Equal(bytes, one));
    }

    [Fact]
    public async Task FailedOrCancelledPut_LeavesNothing()
    {
        using var stop = new CancellationTokenSource();

        await Assert.ThrowsAsync<InvalidDataException>(() => Store.PutAsync(
            stream =>
            {
                stream.Write(_hello);
                throw new InvalidDataException();
            },
            Cancellation));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.PutAsync(
            stream =>
            {
                stream.Write(_hello);
                stop.Cancel();
            },
            stop.Token));

        Assert.Empty(await ListAsync());
    }

    [Fact]
    public async Task BlobLargerThanExpected_IsNotReadIntoMemory()
    {
        BlobHash hash = await Store.PutAsync(_hello, Cancellation);

        await Assert.ThrowsAsync<StorageException>(() => Store.ReadAllBytesAsync(hash, 4, Cancellation));
    }

    [Fact]
    public async Task SameAndDifferentBlobsPutAtOnce_AreAllThere()
    {
        BlobHash[] hashes = await Task.WhenAll(Enumerable.Range(0, 32).Select(i => Task.Run(() => Store.PutAsync(Bytes(300_000 + (i % 4)), Cancellation))));

        Assert.Equal(4, (await ListAsync()).Count);
        Assert.All(hashes, hash => Assert.Equal(64, hash.Hex.Length));
        foreach (BlobHash hash in hashes)
        {
            Assert.Equal(BlobCondition.Intact, await Store.VerifyAsync(hash, Cancellation));
        }
    }

    [Fact]
    public async Task GarbageCollection_TakesWhatIsNeitherLiveNorYoung()
    {
        BlobHash live = await Store.PutAsync(new byte[1], Cancellation);
        await Store.PutAsync(new byte[10], Cancellation);
        await Store.PutAsync(new byte[100], Cancellation);
        DateTimeOffset youngest = DateTimeOffset.MinValue;
        await foreach (BlobInfo blob in Store.EnumerateAsync(Cancellation))
        {
            youngest = blob.LastPut > youngest ? blob.LastPut : youngest;
        }

        GarbageReport nothing = await GarbageCollector.CollectAsync(Store, new HashSet<BlobHash>(), DateTimeOffset.MinValue, Cancellation);
        GarbageReport report = await GarbageCollector.CollectAsync(Store, new HashSet<BlobHash> { live }, youngest.AddTicks(1), Cancellation);

        Assert.Equal(new GarbageReport(0, 0, 3, 111), nothing);
        Assert.Equal(new GarbageReport(2, 110, 1, 1), report);
        Assert.Equal([new(live, 1)], await ListAsync());
    }

    protected static byte[] Bytes(int length)
    {
        var random = new RandomStream(length, "test bytes");
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++)
        {
            bytes[i] = (byte)random.NextUInt64();
        }

        return bytes;
    }

    protected async Task<List<KeyValuePair<BlobHash, long>>> ListAsync()
    {
        List<KeyValuePair<BlobHash, long>> blobs = [];
        await foreach (BlobInfo blob in Store.EnumerateAsync(Cancellation))
        {
            blobs.Add(new(blob.Hash, blob.Bytes));
        }

        return blobs;
    }
}
