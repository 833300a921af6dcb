using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Headers;
using Microsoft.Net.Http.Headers;

namespace DiPaCo.Cluster.Blobs;

/// <summary>
/// The headers of a resumable upload, named as in the IETF's draft "Resumable Uploads for HTTP", and what is read from requests.
/// </summary>
internal static class BlobHeaders
{
    /// <summary>Where the body starts in the blob; in answers, how many bytes the server has.</summary>
    public const string UploadOffset = "Upload-Offset";

    /// <summary>The whole blob's size.</summary>
    public const string UploadLength = "Upload-Length";

    /// <summary>Names the uploading program, so that two programs of one user do not share an unfinished upload.</summary>
    public const string UploadClient = "Upload-Client";

    /// <summary>The longest name of an uploading program.</summary>
    public const int LongestClient = 200;

    /// <summary>How many blobs a page of the list has.</summary>
    public const int PageLength = 10_000;

    // A structured integer has at most 15 digits (RFC 8941).
    private const int LongestNumber = 15;

    /// <summary>Reads a header that holds a number of bytes. False if it is there and is none; null if it is not there.</summary>
    public static bool TryReadCount(HttpRequest request, string header, out long? count)
    {
        count = null;
        if (!request.Headers.TryGetValue(header, out Microsoft.Extensions.Primitives.StringValues values))
        {
            return true;
        }

        bool valid = values is [{ Length: > 0 and <= LongestNumber }]
            & long.TryParse(values[0], NumberStyles.None, CultureInfo.InvariantCulture, out long number);
        count = valid ? number : null;
        return valid;
    }

    /// <summary>Whether the request wants one range, and the blob has none of it.</summary>
    public static bool IsRangeBeyond(RequestHeaders headers, long length) =>
        headers.Range is { Unit.Value: "bytes", Ranges.Count: 1 } range && range.Ranges.Single() is RangeItemHeaderValue item
        && (item.From is { } from ? from >= length : item.To == 0 || length == 0);
}
