using DiPaCo.Core;
using Microsoft.AspNetCore.Http;

namespace DiPaCo.Serving.Http;

/// <summary>Which answer an exception is.</summary>
internal static class ApiErrors
{
    /// <summary>The error for a client; null where the client has gone.</summary>
    public static ApiException? Of(Exception exception, HttpContext context) => exception switch
    {
        ApiException error => error,
        _ when context.RequestAborted.IsCancellationRequested => null,
        BadHttpRequestException bad => new ApiException(bad.StatusCode, bad.StatusCode == 413 ? "The body is longer than this server takes." : bad.Message),
        OperationCanceledException => new ApiException(503, "The request took longer than this server allows, or the server is stopping.", code: "timeout"),
        DiPaCoException failed => new ApiException(503, failed.Message, code: "model_unavailable"),
        _ => new ApiException(500, "The server made a mistake that is not yours; its log has more."),
    };
}
