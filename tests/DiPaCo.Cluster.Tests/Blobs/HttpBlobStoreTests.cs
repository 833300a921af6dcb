using System.Globalization;

using System.Net.Http.Headers;
using DiPaCo.Cluster.Blobs;
using DiPaCo.Cluster.Tests.Support;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace DiPaCo.Cluster.Tests.Blobs;

public sealed class HttpBlobStoreTests : IAsyncLifetime
{
    private const int Length = 1_000_000;

    private readonly TemporaryFolder _folder = new();
    private readonly byte[] _content = [.. Enumerable.Range(0, Length).Select(i => (byte)(i * 31 % 251))];
    private Func<HttpContext, Task<bool>> _before = _ => Task.FromResult(false);
    private BlobServer _server = null!;
    private BlobCache _cache = null!;
    private HttpClient _http = null!;

    // With a clock that skips pauses: the deadline is over after some attempts, however slow the machine is.
    private static RemoteBlobOptions PatientOptions => new() { Deadline = TimeSpan.FromSeconds(5), StallTimeout = TimeSpan.FromHours(1) };

    private BlobHash Hash => BlobHash.Of(_content);

    public async ValueTask InitializeAsync()
    {
        _server = await BlobServer.StartAsync(_folder.File("server"), new BlobEndpointOptions(), before: context => _before(context));
        _cache = await BlobCache.OpenAsync(_folder.File("cache"), 100 << 20, null, default);
        _http = HttpBlobStore.CreateClient(_server.Address);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        _cache.Dispose();
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task DownloadCutManyTimes_GoesOnAndFetchesNoByteTwice()
    {
        await _server.Store.PutAsync(_content, default);
        int cuts = 0;
        _before = async context =>
        {
            if (context.Request.Method != "GET" || ++cuts > 5)
            {
                return false;
            }

            long from = RangeHeaderValue.TryParse(context.Request.Headers.Range, out RangeHeaderValue? range) ? range.Ranges.Single().From!.Value : 0;
            context.Response.StatusCode = from > 0 ? 206 : 200;
            context.Response.ContentLength = Length - from;
            context.Response.Headers.ContentRange = from > 0 ? string.Create(CultureInfo.InvariantCulture, $"bytes {from}-{Length - 1}/{Length}") : default;
            await context.Response.Body.WriteAsync(_content.AsMemory((int)from, 100_000));
            await context.Response.Body.FlushAsync();
            context.Abort();
            return true;
        };
        using HttpBlobStore store = Store();

        using BlobLease lease = await store.LeaseAsync(Hash, default);

        Assert.Equal(_content, await File.ReadAllBytesAsync(lease.Path));
        Assert.Equal((Length, 5), (store.Counts.BytesReceived, store.Counts.Retries));
    }

    [Fact]
    public async Task UploadCutManyTimes_GoesOn()
    {
        int cuts = 0;
        _before = context =>
        {
            if (context.Request is { Method: "PUT", ContentLength: > 0 } && ++cuts <= 4)
            {
                context.Request.Body = new CutStream(context.Request.Body, 150_000, context.Abort);
            }

            return Task.FromResult(false);
        };
        using HttpBlobStore store = Store();

        Assert.Equal(Hash, await store.PutAsync(_content, default));

        Assert.Equal(_content, await _server.Store.ReadAllBytesAsync(Hash, Length, default));
        Assert.Equal(5, cuts);
        Assert.True(store.Counts.Retries >= 4);
    }

    [Fact]
    public async Task BlobThatTheServerHas_IsNotSentAgain_NorFetchedFromItByItsSender()
    {
        await _server.Store.PutAsync(_content, default);
        using HttpBlobStore store = Store();

        await store.PutAsync(_content, default);
        Assert.Equal(_content, await store.ReadAllBytesAsync(Hash, Length, default));

        Assert.Equal((0, 0, 1), (store.Counts.BytesSent, store.Counts.BytesReceived, store.Counts.CacheHits));
    }

    [Fact]
    public async Task SeveralReadersAtOnce_ShareOneDownload()
    {
        await _server.Store.PutAsync(_content, default);
        using HttpBlobStore store = Store();

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => store.GetFileAsync(Hash, default)));

        Assert.Equal((Length, 1, 7), (store.Counts.BytesReceived, store.Counts.Downloads, store.Counts.CacheHits));
    }

    [Fact]
    public async Task FilesOfATask_StayUntilItEnds_HoweverSmallTheCache()
    {
        byte[] other = [.. _content.Reverse()];
        await _server.Store.PutAsync(_content, default);
        await _server.Store.PutAsync(other, default);
        using BlobCache small = await BlobCache.OpenAsync(_folder.File("small"), Length + 10, null, default);
        using HttpBlobStore store = Store(cache: small);
        string path;
        using (var task = new LeasedBlobs(store))
        {
            path = await task.GetFileAsync(Hash, default);

            StorageException exception = await Assert.ThrowsAsync<StorageException>(() => task.GetFileAsync(BlobHash.Of(other), default));

            Assert.Contains("larger cache", exception.Message, StringComparison.Ordinal);
            Assert.True(File.Exists(path));
        }

        await store.GetFileAsync(BlobHash.Of(other), default);
        Assert.False(File.Exists(path));
    }

    [Fact]
    public async Task OutputsOfATask_AreUploadedBesideEachOther_AndEqualOnesOnce()
    {
        byte[] other = [.. _content.Reverse()];
        HashSet<string> asked = [];
        TaskCompletionSource both = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _before = async context =>
        {
            lock (asked)
            {
                asked.Add(context.Request.Path);
                if (asked.Count == 2)
                {
                    both.TrySetResult();
                }
            }

            // One after the other they would never be two.
            await both.Task.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
            return false;
        };
        using HttpBlobStore store = Store();
        using LeasedBlobs task = new(store);

        await task.PutAsync(_content, default);
        await task.PutAsync(other, default);
        await task.PutAsync(other, default);
        await task.UploadedAsync();

        Assert.True(await _server.Store.ExistsAsync(Hash, default) && await _server.Store.ExistsAsync(BlobHash.Of(other), default));
        Assert.Equal(2, store.Counts.Uploads);
    }

    [Fact]
    public async Task OneOutputThatIsRefused_GivesUpTheOthers()
    {
        byte[] other = [.. _content.Reverse()];
        _before = async context =>
        {
            if (context.Request.Path.Value!.EndsWith(Hash.Hex, StringComparison.Ordinal))
            {
                context.Response.StatusCode = 403;
                return true;
            }

            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
            return true;
        };
        using HttpBlobStore store = Store();
        using LeasedBlobs task = new(store);

        await task.PutAsync(other, default);
        await task.PutAsync(_content, default);

        BlobTransferException exception = await Assert.ThrowsAsync<BlobTransferException>(task.UploadedAsync);
        Assert.Contains(Hash.Hex, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ServerThatFailsForAWhile_IsAskedAgain()
    {
        int failures = 0;
        _before = context =>
        {
            bool fails = ++failures <= 3;
            context.Response.StatusCode = fails ? 503 : 200;
            return Task.FromResult(fails);
        };
        using HttpBlobStore store = Store();

        await store.PutAsync(_content, default);

        Assert.Equal(3, store.Counts.Retries);
    }

    [Fact]
    public async Task ServerThatKeepsFailing_IsGivenUpWithWhatItSaid()
    {
        _before = async context =>
        {
            await TypedResults.Problem("out for lunch", statusCode: 503).ExecuteAsync(context);
            return true;
        };
        using HttpBlobStore store = Store(PatientOptions, time: new SkippingTime());

        BlobTransferException exception = await Assert.ThrowsAsync<BlobTransferException>(() => store.GetFileAsync(Hash, default));

        Assert.StartsWith($"Could not download the blob {Hash} from '{_server.Address}blobs/{Hash}': gave up after ", exception.Message, StringComparison.Ordinal);
        Assert.Contains("0 of unknown bytes done. The last attempt failed with: The server answered 503 (Service Unavailable): out for lunch. Check", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ServerThatSaysNothing_IsGivenUpWithWhatWasWaitedFor()
    {
        _before = async context =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        };
        using HttpBlobStore store = Store(new RemoteBlobOptions { StallTimeout = TimeSpan.FromMilliseconds(50), Deadline = TimeSpan.FromMinutes(1), FirstPause = TimeSpan.FromHours(1), LongestPause = TimeSpan.FromHours(1) });

        BlobTransferException exception = await Assert.ThrowsAsync<BlobTransferException>(() => store.GetFileAsync(Hash, default));

        Assert.Contains("no byte came for 00:00:00.0500000", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NoServer_IsGivenUpWithTheReason()
    {
        using HttpClient nobody = HttpBlobStore.CreateClient(new Uri("http://127.0.0.1:1/"));
        using var store = new HttpBlobStore(nobody, _cache, PatientOptions, new SkippingTime());

        BlobTransferException exception = await Assert.ThrowsAsync<BlobTransferException>(() => store.ExistsAsync(Hash, default));

        Assert.Contains("Could not look for the blob", exception.Message, StringComparison.Ordinal);
        Assert.Contains("refused", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(401, "token")]
    [InlineData(403, "token")]
    [InlineData(400, "same version")]
    [InlineData(302, "address of the server")]
    public async Task RefusalThatStays_IsNotRepeated(int status, string remedy)
    {
        int requests = 0;
        _before = context =>
        {
            requests++;
            context.Response.StatusCode = status;
            return Task.FromResult(true);
        };
        using HttpBlobStore store = Store();

        BlobTransferException exception = await Assert.ThrowsAsync<BlobTransferException>(() => store.GetFileAsync(Hash, default));

        Assert.Contains($"answered {status}", exception.Message, StringComparison.Ordinal);
        Assert.Contains(remedy, exception.Message, StringComparison.Ordinal);
        Assert.Equal(1, requests);
    }

    [Fact]
    public async Task ServerThatSendsOtherBytes_IsFoundOut_AndNothingStaysInTheCache()
    {
        _before = async context =>
        {
            await context.Response.Body.WriteAsync(new byte[1000]);
            return true;
        };
        using HttpBlobStore store = Store();

        DamagedBlobException exception = await Assert.ThrowsAsync<DamagedBlobException>(() => store.GetFileAsync(Hash, default));

        Assert.Equal((Hash, BlobHash.Of(new byte[1000])), (exception.Expected, exception.Found));
        Assert.Empty(FolderContents.Of(_folder.File("cache/blobs")));
        Assert.Empty(FolderContents.Of(_folder.File("cache/parts")));
    }

    [Fact]
    public async Task ServerThatClaimsATerabyte_IsNotBelieved()
    {
        _before = async context =>
        {
            context.Response.ContentLength = 1L << 40;
            await context.Response.Body.WriteAsync(new byte[1000]);
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        };
        using HttpBlobStore store = Store();

        BlobTransferException exception = await Assert.ThrowsAsync<BlobTransferException>(() => store.GetFileAsync(Hash, default));

        Assert.Contains("has 1099511627776 bytes or more, at most 8589934592 are taken", exception.Message, StringComparison.Ordinal);
        Assert.Equal(0, store.Counts.BytesReceived);
    }

    [Fact]
    public async Task ServerThatNeverStopsSending_IsStopped()
    {
        _before = async context =>
        {
            while (!context.RequestAborted.IsCancellationRequested)
            {
                await context.Response.Body.WriteAsync(new byte[100_000]);
            }

            return true;
        };
        using HttpBlobStore store = Store(QuickOptions.Remote with { MaximumBlobBytes = 3_000_000 });

        BlobTransferException exception = await Assert.ThrowsAsync<BlobTransferException>(() => store.GetFileAsync(Hash, default));

        Assert.Contains("at most 3000000 are taken", exception.Message, StringComparison.Ordinal);
        Assert.InRange(FolderContents.Of(_folder.File("cache/parts")).Values.Sum(hex => hex.Length / 2), 0, 3_000_000);
    }

    [Theory]
    [InlineData("not json\n")]
    [InlineData("{\"hash\":\"00\",\"bytes\":1}\n")]
    [InlineData("LONG")]
    [InlineData("UNORDERED")]
    public async Task ListThatMakesNoSense_IsAClearError(string list)
    {
        string line = $"{{\"hash\":\"{Hash}\",\"bytes\":1,\"lastPut\":\"2030-01-01T00:00:00+00:00\"}}\n";
        _before = async context =>
        {
            await context.Response.WriteAsync(list switch
            {
                "LONG" => new string('x', 5000),
                "UNORDERED" => line + line,
                _ => list,
            });
            return true;
        };
        using HttpBlobStore store = Store(PatientOptions, time: new SkippingTime());

        BlobTransferException exception = await Assert.ThrowsAsync<BlobTransferException>(async () =>
        {
            await foreach (BlobInfo blob in store.EnumerateAsync(default))
            {
                Assert.Fail($"{blob.Hash} came from nowhere.");
            }
        });

        Assert.Contains("The server's list", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("1000001")]
    [InlineData("x")]
    [InlineData(null)]
    public async Task OffsetThatMakesNoSense_IsAClearError(string? offset)
    {
        _before = context =>
        {
            context.Response.StatusCode = 202;
            if (offset is not null)
            {
                context.Response.Headers["Upload-Offset"] = offset;
            }

            return Task.FromResult(true);
        };
        using HttpBlobStore store = Store(PatientOptions, time: new SkippingTime());

        BlobTransferException exception = await Assert.ThrowsAsync<BlobTransferException>(() => store.PutAsync(_content, default));

        Assert.Contains("does not say how far the upload is", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Redirect_IsFollowedWithoutTheTokenAndWithTheRange()
    {
        List<string> seen = [];
        await using BlobServer bucket = await BlobServer.StartAsync(_folder.File("bucket"), new BlobEndpointOptions(), before: context =>
        {
            seen.Add($"{context.Request.Headers.Authorization}|{context.Request.Headers.Range}");
            return Task.FromResult(false);
        });
        await bucket.Store.PutAsync(_content, default);
        await using BlobServer front = await BlobServer.StartAsync(_folder.File("front"), new BlobEndpointOptions(), new PresigningStore(bucket));
        using HttpClient http = HttpBlobStore.CreateClient(front.Address);
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "secret");
        using var store = new HttpBlobStore(http, _cache, QuickOptions.Remote);
        await File.WriteAllBytesAsync(_cache.BeginPart(Hash), _content[..10]);

        Assert.Equal(_content, await store.ReadAllBytesAsync(Hash, Length, default));

        Assert.Equal(["|bytes=10-"], seen);
        await Assert.ThrowsAsync<MissingBlobException>(() => store.GetFileAsync(BlobHash.Of([1]), default));
    }

    [Fact]
    public async Task PausesBetweenAttempts_AreDrawnFromTheSeedAndGrow()
    {
        List<TimeSpan> first = await PausesAsync(1), same = await PausesAsync(1), other = await PausesAsync(2);

        Assert.Equal(first, same);
        Assert.NotEqual(first, other);
        Assert.InRange(first.Count, 8, 40);
        for (int i = 0; i < first.Count; i++)
        {
            double longest = Math.Min(10, 0.1 * Math.Pow(2, i));
            Assert.InRange(first[i].TotalSeconds, 0.4999 * longest, longest);
        }
    }

    private async Task<List<TimeSpan>> PausesAsync(long seed)
    {
        _before = context =>
        {
            context.Response.StatusCode = 503;
            return Task.FromResult(true);
        };
        var options = new RemoteBlobOptions
        {
            Seed = seed,
            FirstPause = TimeSpan.FromSeconds(0.1),
            LongestPause = TimeSpan.FromSeconds(10),
            Deadline = TimeSpan.FromSeconds(100),
            StallTimeout = TimeSpan.FromHours(1),
        };
        var time = new SkippingTime();
        using HttpBlobStore store = Store(options, time: time);
        await Assert.ThrowsAsync<BlobTransferException>(() => store.ExistsAsync(Hash, default));
        return time.Skipped;
    }

    private HttpBlobStore Store(RemoteBlobOptions? options = null, BlobCache? cache = null, TimeProvider? time = null) =>
        new(_http, cache ?? _cache, options ?? QuickOptions.Remote, time);

    /// <summary>Breaks off after some bytes, as a dying connection does.</summary>
    private sealed class CutStream(Stream inner, int bytes, Action cut) : Stream
    {
        private int _rest = bytes;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_rest == 0)
            {
                cut();
                throw new IOException("cut");
            }

            int read = await inner.ReadAsync(buffer[..Math.Min(buffer.Length, _rest)], cancellationToken);
            _rest -= read;
            return read;
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
