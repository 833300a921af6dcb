using System.Globalization;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace DiPaCo.Cluster.Blobs;

/// <summary>What the routes of <see cref="BlobEndpoints"/> do.</summary>
internal sealed class BlobHandlers(IBlobStore store, BlobUploads uploads, BlobEndpointOptions options)
{
    private const string Binary = "application/octet-stream";

    /// <summary>Size and, for an unfinished upload of the caller's, how far it is.</summary>
    public async Task<IResult> HeadAsync(string hash, HttpContext context)
    {
        if (!BlobHash.TryParse(hash, out BlobHash blob))
        {
            return BlobProblem.BadHash();
        }

        if (!TryReadUploader(context, out BlobUploader uploader))
        {
            return BadClient();
        }

        if (await store.FindAsync(blob, context.RequestAborted) is not { } info)
        {
            Tell(context, uploads.OffsetOf(blob, uploader));
            return BlobProblem.Missing(blob);
        }

        context.Response.Headers.ETag = $"\"{blob.Hex}\"";
        context.Response.ContentType = Binary;
        context.Response.ContentLength = info.Bytes;
        context.Response.Headers.LastModified = info.LastPut.ToString("R", CultureInfo.InvariantCulture);
        context.Response.Headers.AcceptRanges = "bytes";
        return TypedResults.Ok();
    }

    /// <summary>The blob or a range of it, or where the store has it.</summary>
    public async Task<IResult> GetAsync(string hash, HttpContext context)
    {
        if (!BlobHash.TryParse(hash, out BlobHash blob))
        {
            return BlobProblem.BadHash();
        }

        if (options.RedirectToStore && store is IPresignedBlobs presigned)
        {
            if (await store.FindAsync(blob, context.RequestAborted) is null)
            {
                return BlobProblem.Missing(blob);
            }

            if (await presigned.PresignAsync(blob, options.PresignedLifetime, context.RequestAborted) is { } address)
            {
                return TypedResults.Redirect(address.AbsoluteUri, permanent: false, preserveMethod: true);
            }
        }

        if (context.Request.GetTypedHeaders().Range is { Unit.Value: not "bytes" })
        {
            // To be ignored (RFC 9110, 14.2), which the framework does not.
            context.Request.Headers.Remove(HeaderNames.Range);
        }

        Stream stream = await store.OpenReadAsync(blob, context.RequestAborted);
        if (BlobHeaders.IsRangeBeyond(context.Request.GetTypedHeaders(), stream.Length))
        {
            long length = stream.Length;
            await stream.DisposeAsync();
            context.Response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes */{length}");
            return BlobProblem.RangeBeyond(length);
        }

        // The result disposes the stream.
        return TypedResults.Stream(stream, Binary, entityTag: new EntityTagHeaderValue($"\"{blob.Hex}\""), enableRangeProcessing: true);
    }

    /// <summary>
    /// Takes a blob, or the next part of one. An empty body with the blob's <c>Upload-Length</c> asks: 200 if the blob is there
    /// (it counts as put now), 202 with the <c>Upload-Offset</c> to go on from if it is not.
    /// </summary>
    public async Task<IResult> PutAsync(string hash, HttpContext context)
    {
        if (!BlobHash.TryParse(hash, out BlobHash blob))
        {
            return BlobProblem.BadHash();
        }

        if (!BlobHeaders.TryReadCount(context.Request, BlobHeaders.UploadOffset, out long? offset))
        {
            return BlobProblem.BadHeader(BlobHeaders.UploadOffset, "a number of bytes");
        }

        if (!BlobHeaders.TryReadCount(context.Request, BlobHeaders.UploadLength, out long? announced))
        {
            return BlobProblem.BadHeader(BlobHeaders.UploadLength, "a number of bytes");
        }

        if (!TryReadUploader(context, out BlobUploader uploader))
        {
            return BadClient();
        }

        if (context.Request.ContentLength is not { } body)
        {
            return BlobProblem.LengthRequired();
        }

        long length = announced ?? body;
        if (Math.Max(length, body) > options.MaximumBlobBytes)
        {
            return BlobProblem.TooLarge(Math.Max(length, body), options.MaximumBlobBytes);
        }

        if (body > length - (offset ?? 0) || (offset is null && body != 0 && body != length))
        {
            return BlobProblem.BadHeader(BlobHeaders.UploadLength, $"at least {BlobHeaders.UploadOffset} plus Content-Length; a part of a blob says its {BlobHeaders.UploadOffset}");
        }

        if (await store.RenewAsync(blob, length, context.RequestAborted))
        {
            return TypedResults.Ok();
        }

        return await ReceiveAsync(blob, uploader, length, offset, body, context);
    }

    /// <summary>
    /// The next <see cref="BlobHeaders.PageLength"/> blobs in the order of their hashes, those behind <c>after</c>, one JSON object
    /// a line. A shorter page is the last.
    /// </summary>
    public IResult List(HttpContext context)
    {
        string after = context.Request.Query["after"].ToString();
        BlobHash last = default;
        return after.Length > 0 && !BlobHash.TryParse(after, out last)
            ? BlobProblem.BadHeader("after (of the query)", "64 lower-case hexadecimal digits")
            : TypedResults.Stream(stream => WriteListAsync(stream, after.Length > 0 ? last : null, context.RequestAborted), "application/jsonl");
    }

    /// <summary>Removes a blob.</summary>
    public async Task<IResult> DeleteAsync(string hash, HttpContext context) =>
        !BlobHash.TryParse(hash, out BlobHash blob) ? BlobProblem.BadHash()
        : await store.DeleteAsync(blob, context.RequestAborted) ? TypedResults.NoContent()
        : BlobProblem.Missing(blob);

    private async Task<IResult> ReceiveAsync(BlobHash blob, BlobUploader uploader, long length, long? offset, long body, HttpContext context)
    {
        using BlobUpload upload = await uploads.OpenAsync(blob, uploader, length, context.RequestAborted);
        if (upload.Offset > length || (offset is null && body > 0))
        {
            upload.Restart();
        }

        if (offset is { } from && from != upload.Offset)
        {
            Tell(context, upload.Offset);
            return BlobProblem.WrongOffset(upload.Offset);
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = options.MaximumBlobBytes;
        }

        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, upload.Wanted);
        try
        {
            await upload.AppendAsync(context.Request.Body, body, either.Token);
        }
        catch (OperationCanceledException) when (upload.Wanted.IsCancellationRequested)
        {
            return BlobProblem.TakenOver();
        }

        if (upload.Offset < length)
        {
            Tell(context, upload.Offset);
            return TypedResults.StatusCode(StatusCodes.Status202Accepted);
        }

        await upload.FinishAsync(store, blob, context.RequestAborted);
        return TypedResults.StatusCode(StatusCodes.Status201Created);
    }

    private async Task WriteListAsync(Stream stream, BlobHash? after, CancellationToken cancellationToken)
    {
        int written = 0;
        await foreach (BlobInfo blob in store.EnumerateAsync(cancellationToken))
        {
            if (written == BlobHeaders.PageLength)
            {
                break;
            }

            if (after is not { } last || blob.Hash > last)
            {
                written++;
                await stream.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(blob, JsonSerializerOptions.Web), cancellationToken);
                await stream.WriteAsync("\n"u8.ToArray(), cancellationToken);
            }
        }
    }

    private bool TryReadUploader(HttpContext context, out BlobUploader uploader)
    {
        string client = context.Request.Headers[BlobHeaders.UploadClient].ToString();
        uploader = new BlobUploader(options.Uploader(context), client);
        return client.Length <= BlobHeaders.LongestClient;
    }

    private static IResult BadClient() => BlobProblem.BadHeader(BlobHeaders.UploadClient, $"at most {BlobHeaders.LongestClient} characters");

    private static void Tell(HttpContext context, long offset) =>
        context.Response.Headers[BlobHeaders.UploadOffset] = offset.ToString(CultureInfo.InvariantCulture);
}
