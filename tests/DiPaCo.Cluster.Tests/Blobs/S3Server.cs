using Amazon.S3;
using DiPaCo.Cluster.Blobs;
using DiPaCo.Cluster.Tests.Support;

namespace DiPaCo.Cluster.Tests.Blobs;

/// <summary>
/// An S3-compatible server: the one that DIPACO_TEST_S3_ENDPOINT names (with _BUCKET, _ACCESS_KEY, _SECRET_KEY, _REGION), or an
/// emulator that is started once for a class of tests.
/// </summary>
public sealed class S3Server : IAsyncDisposable
{
    private const string EmulatorKey = "S3RVER";

    // It does not decode the source of a copy, which the client encodes.
    private const string DecodeSources = """
        const server = require('http').Server.prototype, emit = server.emit, source = 'x-amz-copy-source';
        server.emit = function (event, request, ...rest) {
            if (event === 'request' && request.headers[source]) request.headers[source] = decodeURIComponent(request.headers[source]);
            if (event === 'request' && request.headers[source] && request.url.includes('uploadId=')) {
                request.headers['test-copy-source'] = request.headers[source];
                delete request.headers[source];
            }
            return emit.call(this, event, request, ...rest);
        };
        """;

    // It copies whole objects only, and its routes refuse a copy into a part: to them it is a part like others, whose content comes from elsewhere.
    private const string CopyParts = """
        const objects = require(require('path').join(process.argv[1], '../../lib/controllers/object.js')), upload = objects.uploadPart, from = 'test-copy-source';
        objects.uploadPart = async ctx => {
            const source = ctx.headers[from];
            if (!source) return upload(ctx);
            const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(ctx.headers['x-amz-copy-source-range']);
            const object = await ctx.store.getObject(ctx.params.bucket, source.replace(/^\//, '').slice(ctx.params.bucket.length + 1), { start: +start, end: +end });
            const { md5 } = await ctx.store.putPart(ctx.params.bucket, ctx.query.uploadId, ctx.query.partNumber, object.content);
            ctx.body = { CopyPartResult: { LastModified: new Date().toISOString(), ETag: JSON.stringify(md5) } };
        };
        """;

    private readonly TemporaryFolder _folder = new();
    private NodeServer? _emulator;

    internal bool IsEmulator => _emulator is not null;

    internal S3StoreOptions Options { get; private set; } = null!;

    internal AmazonS3Client Client { get; private set; } = null!;

    /// <summary>Starts it where it does not run yet. A test asks for it, because a class's fixture cannot skip its tests.</summary>
    public async ValueTask StartAsync()
    {
        if (Client is not null)
        {
            return;
        }

        if (Variable("ENDPOINT") is { } endpoint)
        {
            Options = new S3StoreOptions
            {
                ServiceUrl = new Uri(endpoint),
                Bucket = Variable("BUCKET") ?? "dipaco-test",
                AccessKey = Variable("ACCESS_KEY"),
                SecretKey = Variable("SECRET_KEY"),
                Region = Variable("REGION") ?? "us-east-1",
            };
        }
        else
        {
            _emulator = await NodeServer.StartOrSkipAsync(
                "s3rver/bin/s3rver.js", DecodeSources + CopyParts, "--address", "127.0.0.1", "--port", "0", "--directory", _folder.Path, "--configure-bucket", "blobs");
            Options = new S3StoreOptions { ServiceUrl = _emulator.Address, Bucket = "blobs", AccessKey = EmulatorKey, SecretKey = EmulatorKey };
        }

        Client = S3BlobStore.CreateClient(Options);
    }

    public async ValueTask DisposeAsync()
    {
        Client?.Dispose();
        if (_emulator is not null)
        {
            await _emulator.DisposeAsync();
        }

        _folder.Dispose();
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable($"DIPACO_TEST_S3_{name}");
}
