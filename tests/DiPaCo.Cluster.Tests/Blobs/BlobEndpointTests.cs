using System.Globalization;
using System.Text;
using DiPaCo.Cluster.Blobs;
using DiPaCo.Cluster.Tests.Support;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Xunit;

namespace DiPaCo.Cluster.Tests.Blobs;

public sealed class BlobEndpointTests : IDisposable
{
    private static readonly byte[] s_content = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 1000).Select(i => (char)('a' + (i % 26)))));

    private readonly TemporaryFolder _folder = new();

    private static BlobHash Hash => BlobHash.Of(s_content);

    private static string Target => $"/blobs/{Hash}";

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("bytes=0-0", 206, 0, 1)]
    [InlineData("bytes=990-", 206, 990, 10)]
    [InlineData("bytes=-5", 206, 995, 5)]
    [InlineData("bytes=500-5000000000", 206, 500, 500)]
    [InlineData("bytes=nonsense", 200, 0, 1000)]
    [InlineData("lines=1-2", 200, 0, 1000)]
    public async Task Ranges_AreServed(string range, int status, int from, int length)
    {
        await using BlobServer server = await StartWithBlobAsync();

        RawAnswer answer = await RawHttp.AskAsync(server.Address, RawHttp.Request("GET", Target, $"Range: {range}"));

        Assert.Equal(status, answer.Status);
        Assert.EndsWith($"\r\n\r\n{Encoding.ASCII.GetString(s_content, from, length)}", answer.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bytes=1000-")]
    [InlineData("bytes=99999999999999-")]
    [InlineData("bytes=-0")]
    public async Task RangeBeyondTheEnd_IsRefusedWithTheLength(string range)
    {
        await using BlobServer server = await StartWithBlobAsync();

        RawAnswer answer = await RawHttp.AskAsync(server.Address, RawHttp.Request("GET", Target, $"Range: {range}"));

        Assert.True(answer.Status == 416 && answer.IsProblem("range"), answer.Text);
        Assert.Equal("bytes */1000", answer.Header("Content-Range"));
    }

    [Fact]
    public async Task Upload_GoesOnWhereItWas_AlsoAfterARestartOfTheServer()
    {
        await using (BlobServer server = await BlobServer.StartAsync(_folder.Path))
        {
            RawAnswer part = await PutAsync(server, s_content[..300], "Upload-Offset: 0", "Upload-Length: 1000");
            Assert.Equal((202, "300"), (part.Status, part.Header("Upload-Offset")));
            Assert.Equal("300", (await RawHttp.AskAsync(server.Address, RawHttp.Request("HEAD", Target))).Header("Upload-Offset"));
            Assert.False(await server.Store.ExistsAsync(Hash, default));
        }

        await using BlobServer again = await BlobServer.StartAsync(_folder.Path);
        RawAnswer asked = await PutAsync(again, [], "Upload-Length: 1000");
        Assert.Equal((202, "300"), (asked.Status, asked.Header("Upload-Offset")));
        RawAnswer wrong = await PutAsync(again, s_content[400..], "Upload-Offset: 400", "Upload-Length: 1000");
        Assert.True(wrong.Status == 409 && wrong.IsProblem("wrong-offset") && wrong.Header("Upload-Offset") == "300", wrong.Text);

        Assert.Equal(201, (await PutAsync(again, s_content[300..], "Upload-Offset: 300", "Upload-Length: 1000")).Status);

        Assert.Equal(s_content, await again.Store.ReadAllBytesAsync(Hash, 1000, default));
        Assert.Equal(200, (await PutAsync(again, [], "Upload-Length: 1000")).Status);
        Assert.Empty(FolderContents.Of(_folder.File("uploads")));
    }

    [Fact]
    public async Task TruncatedBody_IsNoBlob_AndTheUploadGoesOn()
    {
        await using BlobServer server = await BlobServer.StartAsync(_folder.Path);
        using (RawHttp cut = await RawHttp.ConnectAsync(server.Address))
        {
            await cut.SendAsync([.. RawHttp.Request("PUT", Target, "Content-Length: 1000"), .. s_content[..400]]);
            cut.EndSending();
            RawAnswer answer = await cut.AnswerAsync();
            Assert.True(answer.Status is 400 or 0, answer.Text);
        }

        Assert.Empty(FolderContents.Of(_folder.File("blobs")));
        int offset = int.Parse((await PutAsync(server, [], "Upload-Length: 1000")).Header("Upload-Offset")!, CultureInfo.InvariantCulture);
        Assert.InRange(offset, 0, 400);
        Assert.Equal(201, (await PutAsync(server, s_content[offset..], $"Upload-Offset: {offset}", "Upload-Length: 1000")).Status);
    }

    [Fact]
    public async Task WrongHash_IsRefusedWithBothHashes_AndNothingIsKept()
    {
        await using BlobServer server = await BlobServer.StartAsync(_folder.Path);
        byte[] other = [.. s_content[1..], (byte)'!'];

        RawAnswer answer = await PutAsync(server, other);

        Assert.True(answer.Status == 422 && answer.IsProblem("mismatch"), answer.Text);
        Assert.Contains(Hash.Hex, answer.Text, StringComparison.Ordinal);
        Assert.Contains(BlobHash.Of(other).Hex, answer.Text, StringComparison.Ordinal);
        Assert.Empty(FolderContents.Of(_folder.Path));
    }

    [Theory]
    [InlineData("Content-Length: 10737418240")]
    [InlineData("Content-Length: 999999999999999")]
    [InlineData("Content-Length: 0", "Upload-Length: 10737418240")]
    [InlineData("Content-Length: 10", "Upload-Length: 10737418240", "Upload-Offset: 0")]
    public async Task TenGigabytes_AreRefusedBeforeAByteIsSent(params string[] headers)
    {
        await using BlobServer server = await BlobServer.StartAsync(_folder.Path);
        using RawHttp raw = await RawHttp.ConnectAsync(server.Address);
        await raw.SendAsync(RawHttp.Request("PUT", Target, headers));

        // Nothing follows and nothing is ended: the answer must not wait for it.
        RawAnswer answer = await raw.AnswerAsync();

        Assert.True(answer.Status == 413 && answer.IsProblem("too-large"), answer.Text);
        Assert.Contains("at most 8589934592", answer.Text, StringComparison.Ordinal);
        Assert.Empty(FolderContents.Of(_folder.Path));
    }

    [Theory]
    [InlineData(411, "length-required", "Transfer-Encoding: chunked")]
    [InlineData(400, "bad-header", "Content-Length: 0", "Upload-Length: -1")]
    [InlineData(400, "bad-header", "Content-Length: 0", "Upload-Length: 1", "Upload-Length: 2")]
    [InlineData(400, "bad-header", "Content-Length: 0", "Upload-Length: 9999999999999999999999")]
    [InlineData(400, "bad-header", "Content-Length: 0", "Upload-Length: ١")]
    [InlineData(400, "bad-header", "Content-Length: 0", "Upload-Length: 5", "Upload-Offset: 6")]
    [InlineData(400, "bad-header", "Content-Length: 0", "Upload-Length: 5", "Upload-Offset: 0x1")]
    [InlineData(400, "bad-header", "Content-Length: 1", "Upload-Length: 5")]
    [InlineData(400, "bad-header", "Content-Length: 6", "Upload-Length: 5", "Upload-Offset: 0")]
    public async Task HeadersThatContradict_AreRefused(int status, string type, params string[] headers)
    {
        await using BlobServer server = await BlobServer.StartAsync(_folder.Path);

        RawAnswer answer = await RawHttp.AskAsync(server.Address, RawHttp.Request("PUT", Target, headers));

        Assert.True(answer.Status == status && answer.IsProblem(type), answer.Text);
        Assert.Empty(FolderContents.Of(_folder.Path));
    }

    [Theory]
    [InlineData("/blobs/..%2f..%2fetc%2fpasswd", 400)]
    [InlineData("/blobs/..%5c..%5cetc%5cpasswd", 400)]
    [InlineData("/blobs/%252e%252e%252f", 400)]
    [InlineData("/blobs/../../etc/passwd", 404)]
    [InlineData("/blobs/%2e%2e/%2e%2e/etc/passwd", 404)]
    [InlineData("/blobs/a/b/c", 404)]
    [InlineData("/blobs/ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789", 400)]
    [InlineData("/blobs/abcdef0123456789abcdef0123456789abcdef0123456789abcdef012345678", 400)]
    [InlineData("/blobs/abcdef0123456789abcdef0123456789abcdef0123456789abcdef012345678/", 400)]
    [InlineData("/blobs/abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789.", 400)]
    [InlineData("/blobs/%00", 400)]
    [InlineData("/blobs/\u00ff\u00fe", 400)]
    public async Task NamesThatAreNoHashes_AreRefused(string target, int status)
    {
        await using BlobServer server = await StartWithBlobAsync();
        SortedDictionary<string, string> before = FolderContents.Of(_folder.Path);
        foreach (string method in (string[])["GET", "HEAD", "PUT", "DELETE"])
        {
            RawAnswer answer = await RawHttp.AskAsync(server.Address, RawHttp.Request(method, target, "Content-Length: 0"));

            Assert.True(answer.Status == status || (method == "DELETE" && answer.Status is 404 or 405), answer.Text);
        }

        Assert.Equal(before, FolderContents.Of(_folder.Path));
    }

    [Fact]
    public async Task MethodThatIsNotMeant_IsRefused()
    {
        await using BlobServer server = await StartWithBlobAsync();

        RawAnswer answer = await RawHttp.AskAsync(server.Address, RawHttp.Request("POST", Target, "Content-Length: 0"));

        Assert.True(answer.Status == 405 && answer.IsProblem("bad-method"), answer.Text);
    }

    [Fact]
    public async Task SlowClient_IsToldSo_AndItsUploadGoesOn()
    {
        await using BlobServer server = await BlobServer.StartAsync(
            _folder.Path, new BlobEndpointOptions(), limits: limits => limits.MinRequestBodyDataRate = new MinDataRate(1e6, TimeSpan.FromSeconds(1.5)));
        using RawHttp slow = await RawHttp.ConnectAsync(server.Address);
        await slow.SendAsync([.. RawHttp.Request("PUT", Target, "Content-Length: 1000"), .. s_content[..400]]);

        RawAnswer answer = await slow.AnswerAsync();

        Assert.True(answer.Status == 408 && answer.IsProblem("too-slow"), answer.Text);
        RawAnswer asked = await PutAsync(server, [], "Upload-Length: 1000");
        Assert.Equal((202, "400"), (asked.Status, asked.Header("Upload-Offset")));
        Assert.Empty(FolderContents.Of(_folder.File("blobs")));
    }

    [Fact]
    public async Task NewerRequest_TakesOverFromOneWhoseConnectionIsDead()
    {
        await using BlobServer server = await BlobServer.StartAsync(_folder.Path);
        using RawHttp dead = await RawHttp.ConnectAsync(server.Address);
        await dead.SendAsync([.. RawHttp.Request("PUT", Target, "Content-Length: 1000"), .. s_content[..400]]);
        while (server.Uploads.OffsetOf(Hash, new BlobUploader("", "")) < 400)
        {
            await Task.Yield();
        }

        RawAnswer asked = await PutAsync(server, [], "Upload-Length: 1000");

        Assert.Equal((202, "400"), (asked.Status, asked.Header("Upload-Offset")));
        Assert.True((await dead.AnswerAsync()).IsProblem("taken-over"));
        Assert.Equal(201, (await PutAsync(server, s_content[400..], "Upload-Offset: 400", "Upload-Length: 1000")).Status);
    }

    [Fact]
    public async Task UploadOfAnotherClient_CannotSpoilMine()
    {
        await using BlobServer server = await BlobServer.StartAsync(_folder.Path);
        await PutAsync(server, new byte[300], "Upload-Offset: 0", "Upload-Length: 1000", "Upload-Client: mallory");
        await PutAsync(server, s_content[..500], "Upload-Offset: 0", "Upload-Length: 1000", "Upload-Client: me");

        Assert.Equal(422, (await PutAsync(server, new byte[700], "Upload-Offset: 300", "Upload-Length: 1000", "Upload-Client: mallory")).Status);
        Assert.Equal(201, (await PutAsync(server, s_content[500..], "Upload-Offset: 500", "Upload-Length: 1000", "Upload-Client: me")).Status);

        Assert.True((await PutAsync(server, [], $"Upload-Client: {new string('x', 201)}")).IsProblem("bad-header"));
    }

    [Fact]
    public async Task TooMuchUnfinished_IsRefused_UntilItIsTooOld()
    {
        var options = new BlobEndpointOptions { MaximumPendingBytes = 1500, MaximumPendingUploads = 2 };
        await using BlobServer server = await BlobServer.StartAsync(_folder.Path, options);
        await PutAsync(server, s_content[..900], "Upload-Offset: 0", "Upload-Length: 1000", "Upload-Client: a");

        RawAnswer refused = await PutAsync(server, s_content[..1], "Upload-Offset: 0", "Upload-Length: 1000", "Upload-Client: b");
        await PutAsync(server, s_content[..1], "Upload-Offset: 0", "Upload-Length: 2", "Upload-Client: c");
        RawAnswer third = await PutAsync(server, s_content[..1], "Upload-Offset: 0", "Upload-Length: 2", "Upload-Client: d");

        Assert.True(refused.Status == 507 && refused.IsProblem("full"), refused.Text);
        Assert.True(third.Status == 507 && third.IsProblem("full"), third.Text);
        foreach (string file in Directory.GetFiles(_folder.File("uploads")))
        {
            File.SetLastWriteTimeUtc(file, TimeProvider.System.GetUtcNow().UtcDateTime.AddDays(-2));
        }

        Assert.Equal(202, (await PutAsync(server, s_content[..1], "Upload-Offset: 0", "Upload-Length: 1000", "Upload-Client: d")).Status);
    }

    [Fact]
    public async Task WhatOneUserLeavesUnfinished_LeavesRoomForOthers()
    {
        var options = new BlobEndpointOptions
        {
            MaximumPendingUploadsOfUser = 1, MaximumPendingBytesOfUser = 1500, Uploader = context => context.Request.Headers["Test-User"].ToString(),
        };
        await using BlobServer server = await BlobServer.StartAsync(_folder.Path, options);

        Assert.Equal(202, await BeginAsync("mallory", "a", 2));
        Assert.Equal(507, await BeginAsync("mallory", "b", 2));
        Assert.Equal(507, await BeginAsync("honest", "a", 2000));
        Assert.Equal(202, await BeginAsync("honest", "a", 2));

        async Task<int> BeginAsync(string user, string client, int length) => (await PutAsync(
            server, s_content[..1], "Upload-Offset: 0", $"Upload-Length: {length}", $"Upload-Client: {client}", $"Test-User: {user}")).Status;
    }

    [Fact]
    public async Task DamagedBlob_IsNotServed_AndNoPathOfTheServerIsTold()
    {
        await using BlobServer server = await StartWithBlobAsync();
        string path = await server.Store.GetFileAsync(Hash, default);
        await File.WriteAllBytesAsync(path, s_content[..999]);

        RawAnswer answer = await RawHttp.AskAsync(server.Address, RawHttp.Request("GET", Target));

        Assert.True(answer.Status == 500 && answer.IsProblem("damaged"), answer.Text);
        Assert.Contains($"\"found\":\"{BlobHash.Of(s_content.AsSpan(0, 999))}\"", answer.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(_folder.Path, answer.Text, StringComparison.Ordinal);
        // Putting it again heals it.
        Assert.Equal(201, (await PutAsync(server, s_content)).Status);
        Assert.Equal(200, (await RawHttp.AskAsync(server.Address, RawHttp.Request("GET", Target))).Status);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("PUT")]
    public async Task AnOversizedHeader_IsRefused(string method)
    {
        await using BlobServer server = await StartWithBlobAsync();
        SortedDictionary<string, string> before = FolderContents.Of(_folder.Path);

        RawAnswer answer = await RawHttp.AskAsync(
            server.Address, RawHttp.Request(method, Target, "Content-Length: 0", $"Upload-Client: {new string('x', 64 << 10)}"));

        Assert.Equal(431, answer.Status);
        Assert.Equal(before, FolderContents.Of(_folder.Path));
        Assert.Equal(200, (await RawHttp.AskAsync(server.Address, RawHttp.Request("GET", Target))).Status);
    }

    [Fact]
    public async Task AThousandMutatedRequests_ChangeNothing()
    {
        // A request that is never finished is ended soon.
        await using BlobServer server = await StartWithBlobAsync(limits =>
        {
            limits.RequestHeadersTimeout = TimeSpan.FromSeconds(2);
            limits.MinRequestBodyDataRate = new MinDataRate(1e6, TimeSpan.FromSeconds(2));
        });
        SortedDictionary<string, string> before = FolderContents.Of(_folder.File("blobs"));
        var random = new RandomStream(5, "mutated requests");
        BlobHash other = BlobHash.Of([1, 2, 3]);
        byte[][] requests =
        [
            RawHttp.Request("GET", Target, "Range: bytes=10-20", "If-Range: \"x\""),
            RawHttp.Request("HEAD", Target),
            RawHttp.Request("GET", $"/blobs/?after={Hash}"),
            // None of these bytes is a blob of that name, whatever is changed.
            [.. RawHttp.Request("PUT", $"/blobs/{other}", "Content-Length: 100", "Upload-Offset: 0", "Upload-Length: 200", "Upload-Client: test"), .. s_content[..100]],
            [.. RawHttp.Request("PUT", $"/blobs/{other}", "Content-Length: 1000"), .. s_content],
        ];
        byte[][] mutated = [.. Enumerable.Range(0, 1000).Select(i => Mutation.Of(requests[i % requests.Length], "\r\n\0:-9 %/"u8, random))];

        RawAnswer[] answers = await Task.WhenAll(mutated.Select(request => RawHttp.AskAsync(server.Address, request)));

        Assert.All(answers.Zip(mutated), pair => Assert.True(
            pair.First.Status is (>= 200 and < 500) or 501 or 505, $"{Encoding.Latin1.GetString(pair.Second)}\n\n{pair.First.Text}"));
        Assert.InRange(answers.Count(answer => answer.Status >= 400), 500, 1000);
        Assert.False(await server.Store.ExistsAsync(other, default));

        Assert.Equal(before, FolderContents.Of(_folder.File("blobs")));
        Assert.Equal(200, (await RawHttp.AskAsync(server.Address, RawHttp.Request("GET", Target))).Status);
    }

    private static async Task<RawAnswer> PutAsync(BlobServer server, byte[] body, params string[] headers) => await RawHttp.AskAsync(
        server.Address, [.. RawHttp.Request("PUT", Target, [.. headers, $"Content-Length: {body.Length.ToString(CultureInfo.InvariantCulture)}"]), .. body]);

    private async Task<BlobServer> StartWithBlobAsync(Action<KestrelServerLimits>? limits = null)
    {
        BlobServer server = await BlobServer.StartAsync(_folder.Path, new BlobEndpointOptions(), limits: limits);
        await server.Store.PutAsync(s_content, default);
        return server;
    }
}
