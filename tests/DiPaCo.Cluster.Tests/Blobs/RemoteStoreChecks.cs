using System.Net.Http.Headers;
using DiPaCo.Cluster.Blobs;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using Xunit;

namespace DiPaCo.Cluster.Tests.Blobs;

/// <summary>What the stores behind an emulator have in common, beyond what every store does.</summary>
internal static class RemoteStoreChecks
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <param name="store">The store.</param>
    /// <param name="overwrite">Replaces an object's bytes behind its back.</param>
    public static async Task ChangedObjectIsNotTrustedAndBrokenDownloadGoesOnAsync(RemoteBlobStore store, Func<BlobHash, byte[], Task> overwrite)
    {
        byte[] bytes = [.. Enumerable.Range(0, 500_000).Select(i => (byte)(i * 7))];
        BlobHash hash = await store.PutAsync(bytes, Cancellation);
        byte[] damaged = [.. bytes];
        damaged[123_456] ^= 1;
        await overwrite(hash, damaged);
        store.Cache.Remove(hash);

        Assert.Equal(BlobCondition.Damaged, await store.VerifyAsync(hash, Cancellation));
        DamagedBlobException exception = await Assert.ThrowsAsync<DamagedBlobException>(() => store.OpenReadAsync(hash, Cancellation));
        Assert.Equal((hash, BlobHash.Of(damaged)), (exception.Expected, exception.Found));
        Assert.Null(await store.Cache.TryLeaseAsync(hash, Cancellation));

        // A download that broke off after 400,000 bytes only needs the rest.
        await overwrite(hash, bytes);
        long before = store.Counts.BytesReceived;
        await File.WriteAllBytesAsync(store.Cache.BeginPart(hash), bytes[..400_000], Cancellation);
        Assert.Equal(bytes, await store.ReadAllBytesAsync(hash, bytes.Length, Cancellation));
        Assert.Equal(100_000, store.Counts.BytesReceived - before);
    }

    public static async Task BlobPutAndRenewedManyTimesAtOnceIsSentOnceAsync(RemoteBlobStore store)
    {
        byte[] bytes = [.. Enumerable.Range(0, 300_000).Select(i => (byte)(i * 11))];
        BlobHash hash = BlobHash.Of(bytes);
        long before = store.Counts.BytesSent;

        await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(async () =>
        {
            Assert.Equal(hash, await store.PutAsync(bytes, Cancellation));
            Assert.True(await store.RenewAsync(hash, bytes.Length, Cancellation));
        })));

        Assert.Equal(bytes.Length, store.Counts.BytesSent - before);
        Assert.Equal(BlobCondition.Intact, await store.VerifyAsync(hash, Cancellation));
    }

    public static async Task PresignedAddressServesRangesToAnybodyAsync<TStore>(TStore store, bool refusesStrangers)
        where TStore : RemoteBlobStore, IPresignedBlobs
    {
        BlobHash hash = await store.PutAsync("0123456789"u8.ToArray(), Cancellation);
        Uri address = (await store.PresignAsync(hash, TimeSpan.FromMinutes(5), Cancellation))!;
        using var anybody = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Range = new RangeHeaderValue(4, null);

        using HttpResponseMessage response = await anybody.SendAsync(request, Cancellation);

        Assert.Equal("456789", await response.Content.ReadAsStringAsync(Cancellation));
        using HttpResponseMessage unsigned = await anybody.GetAsync(new Uri(address.GetLeftPart(UriPartial.Path)), Cancellation);
        Assert.Equal(refusesStrangers, !unsigned.IsSuccessStatusCode);
    }
}
