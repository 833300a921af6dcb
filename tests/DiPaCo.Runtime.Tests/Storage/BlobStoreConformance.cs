using System.Text;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using Xunit;

namespace DiPaCo.Runtime.Tests.Storage;

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

    private async Task<List<KeyValuePair<BlobHash, long>>> ListAsync()
    {
        List<KeyValuePair<BlobHash, long>> blobs = [];
        await foreach (BlobInfo blob in Store.EnumerateAsync(Cancellation))
        {
            blobs.Add(new(blob.Hash, blob.Bytes));
        }

        return blobs;
    }
}
