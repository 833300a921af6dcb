using DiPaCo.Core;
using DiPaCo.Serving.Models;
using Microsoft.AspNetCore.Http;

namespace DiPaCo.Serving.Http;

/// <summary>Which answer an exception is.</summary>
internal static class ApiErrors
{
    private const string ModelUnavailable = "model_unavailable";

    /// <summary>Whether an error has a cause that only the server's owner should read: it names files.</summary>
    public static bool IsOfTheServer(ApiException error) => error.Status == 500 || error.Code == ModelUnavailable;

    /// <summary>The error for a client; null where the client has gone.</summary>
    public static ApiException? Of(Exception exception, HttpContext context) => exception switch
    {
        ApiException error => error,
        _ when context.RequestAborted.IsCancellationRequested => null,
        BadHttpRequestException bad => new ApiException(bad.StatusCode, bad.StatusCode == 413 ? "The body is longer than this server takes." : bad.Message),
        OperationCanceledException => new ApiException(503, "The request took longer than this server allows, or the server is stopping.", code: "timeout"),
        UnsuitedModelException unsuited => new ApiException(503, $"The model has changed while the request waited. {unsuited.Message}", code: "model_changed"),
        DiPaCoException or IOException or UnauthorizedAccessException => new ApiException(
            503, "This version of the model cannot be loaded: its files are gone or damaged, or too large. A newer version is taken up within seconds, if there is one; the server's log has more.",
            code: ModelUnavailable),
        _ => new ApiException(500, "The server made a mistake that is not yours; its log has more."),
    };
}
