using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cluster.Blobs;

/// <summary>The blobs of a server that has mapped <see cref="BlobEndpoints"/>: what workers use.</summary>
public sealed class HttpBlobStore : RemoteBlobStore, IDisposable
{
    private const int LongestListLine = 1024;

    private readonly HttpClient _http;
    private readonly HttpClient _elsewhere;
    private readonly Uri _root;

    /// <summary>Uses a client that the caller keeps, with the server's base address and, where that wants one, the token.</summary>
    /// <param name="http">
    /// Must not follow redirects (<see cref="SocketsHttpHandler.AllowAutoRedirect"/>): they lead past the server, where its token has
    /// no business.
    /// </param>
    /// <param name="cache">Where downloads go.</param>
    /// <param name="options">Limits and patience.</param>
    /// <param name="time">The clock of pauses and deadlines.</param>
    public HttpBlobStore(HttpClient http, BlobCache cache, RemoteBlobOptions options, TimeProvider? time = null)
        : base(cache, options, time)
    {
        _http = http;
        _root = new Uri(http.BaseAddress ?? throw new ArgumentException("The client needs the server's base address.", nameof(http)), "blobs/");
        _elsewhere = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <inheritdoc/>
    protected override string Place => _root.AbsoluteUri;

    /// <summary>A client for <see cref="HttpBlobStore"/>: no redirects, no time limit of its own, since big blobs take their time.</summary>
    /// <param name="server">The server's address.</param>
    public static HttpClient CreateClient(Uri server) =>
        new(new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(10) })
        {
            BaseAddress = server,
            Timeout = Timeout.InfiniteTimeSpan,
        };

    /// <summary>Ends the connections to where redirects led.</summary>
    public void Dispose() => _elsewhere.Dispose();

    /// <inheritdoc/>
    protected override string PlaceOf(BlobHash hash) => AddressOf(hash).AbsoluteUri;

    /// <inheritdoc/>
    protected override async Task<BlobInfo?> TryFindAsync(BlobHash hash, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Head, hash, null, null, null, cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        await ThrowUnlessAsync(response, response.IsSuccessStatusCode, hash, cancellationToken);
        return response.Content.Headers is { ContentLength: { } bytes, LastModified: { } put }
            ? new BlobInfo(hash, bytes, EndOfSecond(put))
            : throw new RetryableBlobException("The server's answer says neither size nor time of the blob.");
    }

    /// <inheritdoc/>
    protected override async Task<bool> TryRenewAsync(BlobHash hash, long bytes, CancellationToken cancellationToken)
    {
        if (bytes == 0 && await TryFindAsync(hash, cancellationToken) is null)
        {
            // Asking with an empty body would upload the empty blob.
            return false;
        }

        using HttpResponseMessage response = await SendAsync(HttpMethod.Put, hash, new ByteArrayContent([]), null, bytes, cancellationToken);
        await ThrowUnlessAsync(response, response.IsSuccessStatusCode, hash, cancellationToken);
        return response.StatusCode != HttpStatusCode.Accepted;
    }

    /// <inheritdoc/>
    protected override async Task<BlobContent> TryOpenAsync(BlobHash hash, long offset, CancellationToken cancellationToken)
    {
        HttpResponseMessage response = await GetAsync(_http, AddressOf(hash), offset, cancellationToken);
        try
        {
            if (response.StatusCode is HttpStatusCode.TemporaryRedirect or HttpStatusCode.Redirect or HttpStatusCode.SeeOther
                && response.Headers.Location is { } location)
            {
                var target = new Uri(AddressOf(hash), location);
                if (target.Scheme != Uri.UriSchemeHttps && target.Scheme != Uri.UriSchemeHttp)
                {
                    throw new BlobTransferException($"The server at '{Place}' sends readers of blobs to an address with '{target.Scheme}:', expected https or http.");
                }

                response.Dispose();
                response = await GetAsync(_elsewhere, target, offset, cancellationToken);
                if (response.StatusCode == HttpStatusCode.Forbidden)
                {
                    throw new RetryableBlobException($"'{target.Host}', where the server sends readers of blobs, answered 403: the address may have expired.");
                }
            }

            if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable && offset > 0)
            {
                return new BlobContent(Stream.Null, offset, response.Content.Headers.ContentRange?.Length, response);
            }

            await ThrowUnlessAsync(response, response.StatusCode is HttpStatusCode.OK or HttpStatusCode.PartialContent, hash, cancellationToken);
            ContentRangeHeaderValue? range = response.Content.Headers.ContentRange;
            bool partial = response.StatusCode == HttpStatusCode.PartialContent;
            if (partial && range?.From != offset)
            {
                throw new RetryableBlobException(string.Create(CultureInfo.InvariantCulture, $"The server sent a range from {range?.From} where one from {offset} was asked for."));
            }

            return new BlobContent(
                await response.Content.ReadAsStreamAsync(cancellationToken), partial ? offset : 0, partial ? range?.Length : response.Content.Headers.ContentLength, response);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    protected override async Task TryUploadAsync(BlobLease lease, IProgress<long> sending, int attempt, CancellationToken cancellationToken)
    {
        long? offset = null;
        if (attempt > 1 || lease.Bytes > Options.DirectUploadBytes)
        {
            using HttpResponseMessage asked = await SendAsync(HttpMethod.Put, lease.Hash, new ByteArrayContent([]), null, lease.Bytes, cancellationToken);
            await ThrowUnlessAsync(asked, asked.IsSuccessStatusCode, lease.Hash, cancellationToken);
            if (asked.StatusCode != HttpStatusCode.Accepted)
            {
                return;
            }

            offset = ReadOffset(asked, lease.Bytes);
        }

        var content = new FilePartContent(lease.Path, offset ?? 0, lease.Bytes - (offset ?? 0), sending);
        using HttpResponseMessage response = await SendAsync(HttpMethod.Put, lease.Hash, content, offset, lease.Bytes, cancellationToken);
        await ThrowUnlessAsync(response, response.IsSuccessStatusCode, lease.Hash, cancellationToken);
        if (response.StatusCode == HttpStatusCode.Accepted)
        {
            throw new RetryableBlobException("The server waits for more bytes than the blob has.");
        }
    }

    /// <inheritdoc/>
    protected override async Task<bool> TryDeleteAsync(BlobHash hash, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Delete, hash, null, null, null, cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return false;
        }

        await ThrowUnlessAsync(response, response.IsSuccessStatusCode, hash, cancellationToken);
        return true;
    }

    /// <inheritdoc/>
    protected override async Task<BlobPage> TryListAsync(string? cursor, CancellationToken cancellationToken)
    {
        var address = new Uri(_root, cursor is null ? "." : $"?after={cursor}");
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        await ThrowUnlessAsync(response, response.StatusCode == HttpStatusCode.OK, default, cancellationToken);
        await using Stream stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var blobs = new List<BlobInfo>();
        await foreach (BlobInfo blob in ReadListAsync(stream, cancellationToken))
        {
            if (blobs.Count == BlobHeaders.PageLength || (blobs.Count > 0 && blob.Hash <= blobs[^1].Hash))
            {
                throw new RetryableBlobException("The server's list is not in order.");
            }

            blobs.Add(blob);
        }

        return new BlobPage(blobs, blobs.Count == BlobHeaders.PageLength ? blobs[^1].Hash.Hex : null);
    }

    private static async IAsyncEnumerable<BlobInfo> ReadListAsync(
        Stream stream, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(stream, Encoding.UTF8);
        var line = new StringBuilder();
        char[] buffer = new char[LongestListLine];
        for (int read; (read = await reader.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            for (int i = 0; i < read; i++)
            {
                if (buffer[i] == '\n')
                {
                    yield return Parse(line.ToString());
                    line.Clear();
                }
                else if (line.Append(buffer[i]).Length > LongestListLine)
                {
                    throw new RetryableBlobException("The server's list has a line that is too long.");
                }
            }
        }
    }

    private static BlobInfo Parse(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<BlobInfo>(line, JsonSerializerOptions.Web);
        }
        catch (JsonException e)
        {
            throw new RetryableBlobException("The server's list cannot be read.", null, e);
        }
    }

    private static long ReadOffset(HttpResponseMessage response, long length) =>
        response.Headers.TryGetValues(BlobHeaders.UploadOffset, out IEnumerable<string>? values)
        && long.TryParse(values.FirstOrDefault(), NumberStyles.None, CultureInfo.InvariantCulture, out long offset) && offset <= length
            ? offset
            : throw new RetryableBlobException("The server does not say how far the upload is.");

    private static async Task<HttpResponseMessage> GetAsync(HttpClient client, Uri address, long offset, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        if (offset > 0)
        {
            request.Headers.Range = new RangeHeaderValue(offset, null);
        }

        return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    // An HTTP date has full seconds, so the moment lies up to one later.
    private static DateTimeOffset EndOfSecond(DateTimeOffset second) => second.AddTicks(TimeSpan.TicksPerSecond - 1);

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, BlobHash hash, HttpContent? content, long? offset, long? length, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, AddressOf(hash)) { Content = content };
        if (Options.Client.Length > 0)
        {
            request.Headers.Add(BlobHeaders.UploadClient, Options.Client);
        }

        if (offset is { } from)
        {
            request.Headers.Add(BlobHeaders.UploadOffset, from.ToString(CultureInfo.InvariantCulture));
        }

        if (length is { } bytes)
        {
            request.Headers.Add(BlobHeaders.UploadLength, bytes.ToString(CultureInfo.InvariantCulture));
        }

        return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    private async Task ThrowUnlessAsync(HttpResponseMessage response, bool wanted, BlobHash hash, CancellationToken cancellationToken)
    {
        if (!wanted)
        {
            throw await HttpRefusal.ExceptionAsync(response, hash, hash == default ? Place : PlaceOf(hash), cancellationToken);
        }
    }

    private Uri AddressOf(BlobHash hash) => new(_root, hash.Hex);
}
