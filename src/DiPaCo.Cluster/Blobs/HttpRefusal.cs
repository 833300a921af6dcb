using System.Net;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cluster.Blobs;

/// <summary>What a server says when it does not do what it was asked, read from its problem document if it sends one.</summary>
/// <param name="Status">The status code.</param>
/// <param name="Type">The problem's type.</param>
/// <param name="Detail">The problem, for people; cut to a bearable length.</param>
/// <param name="Found">The hash that bytes really have.</param>
internal sealed record HttpRefusal(HttpStatusCode Status, string? Type, string? Detail, BlobHash? Found)
{
    private const int LongestProblem = 16 << 10;
    private const int LongestDetail = 500;

    /// <summary>Whether the same request may be answered differently later.</summary>
    private bool IsPassing => Status is HttpStatusCode.RequestTimeout or HttpStatusCode.Conflict or HttpStatusCode.TooManyRequests
        or HttpStatusCode.UnprocessableEntity or >= HttpStatusCode.InternalServerError;

    /// <summary>The exception for an answer that is not the wanted one.</summary>
    public static async Task<Exception> ExceptionAsync(HttpResponseMessage response, BlobHash hash, string place, CancellationToken cancellationToken)
    {
        HttpRefusal refusal = await ReadAsync(response, cancellationToken);
        string text = $"The server answered {(int)refusal.Status} ({response.ReasonPhrase}){(refusal.Detail is null ? string.Empty : $": {refusal.Detail}")}";
        return refusal switch
        {
            { Type: BlobProblem.DamagedType, Found: { } found } => new DamagedBlobException(place, hash, found),
            { Status: HttpStatusCode.NotFound } => new MissingBlobException(hash, place),
            { IsPassing: true } => new RetryableBlobException(text, response.Headers.RetryAfter?.Delta),
            _ => new BlobTransferException($"'{place}' cannot be used. {text.TrimEnd('.')}. {Remedy(refusal.Status)}"),
        };
    }

    private static string Remedy(HttpStatusCode status) => status switch
    {
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => "Join with a token that is valid and has the right role.",
        HttpStatusCode.RequestEntityTooLarge => "Raise the server's limit for blobs if the size is right.",
        >= HttpStatusCode.MultipleChoices and < HttpStatusCode.BadRequest => "The address of the server is not the right one.",
        _ => "Check that server and worker have the same version.",
    };

    private static async Task<HttpRefusal> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.Content.Headers.ContentType?.MediaType is not ("application/problem+json" or "application/json"))
        {
            return new HttpRefusal(response.StatusCode, null, null, null);
        }

        byte[] bytes = new byte[LongestProblem];
        await using Stream stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        int length = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken);
        try
        {
            using JsonDocument problem = JsonDocument.Parse(bytes.AsMemory(0, length));
            string? detail = Text(problem, "detail");
            return new HttpRefusal(
                response.StatusCode,
                Text(problem, "type"),
                detail?.Length > LongestDetail ? detail[..LongestDetail] : detail,
                BlobHash.TryParse(Text(problem, BlobProblem.FoundMember), out BlobHash found) ? found : null);
        }
        catch (JsonException)
        {
            return new HttpRefusal(response.StatusCode, null, null, null);
        }
    }

    private static string? Text(JsonDocument problem, string member) =>
        problem.RootElement.ValueKind == JsonValueKind.Object && problem.RootElement.TryGetProperty(member, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
