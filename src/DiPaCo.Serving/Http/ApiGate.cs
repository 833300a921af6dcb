using System.Net;
using Microsoft.AspNetCore.Http;

namespace DiPaCo.Serving.Http;

/// <summary>What every request goes through: who may ask, and what errors look like.</summary>
/// <param name="next">What follows.</param>
/// <param name="keys">The keys; null: none are asked for.</param>
/// <param name="options">The server's options.</param>
/// <param name="state">The server.</param>
internal sealed class ApiGate(RequestDelegate next, ApiKeys? keys, ServingOptions options, ServingState state)
{
    /// <summary>How long a client may take to fetch what is left once the time of its request is over.</summary>
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(5);

    /// <summary>Lets a request through, or answers it.</summary>
    public async Task RunAsync(HttpContext context)
    {
        using IDisposable running = state.Begin();

        // Whoever does not read his answer would keep his connection, and what waits to be sent, for ever.
        using CancellationTokenSource late = new(options.Limits.Timeout + Farewell, state.Time);
        await using CancellationTokenRegistration cut = late.Token.UnsafeRegister(static late => ((HttpContext)late!).Abort(), context);
        try
        {
            ThrowIfForeign(context.Request);
            ThrowIfUnknown(context.Request);
            using IDisposable? place = HttpMethods.IsPost(context.Request.Method) ? state.TakePlace() : null;
            await next(context);
            if (context.Response is { HasStarted: false, StatusCode: 405 })
            {
                throw new ApiException(405, $"{context.Request.Method} is not the method of '{context.Request.Path}'.");
            }

            if (context.Response is { HasStarted: false, StatusCode: 404 })
            {
                throw new ApiException(404, $"There is nothing at '{context.Request.Path}'.", code: "unknown_url");
            }
        }
        catch (Exception exception)
        {
            if (state.Explain(exception, context) is not { } error)
            {
                return;
            }

            if (context.Response.HasStarted)
            {
                context.Abort();
                return;
            }

            context.Response.Clear();
            if (error.Status == 429)
            {
                context.Response.Headers.RetryAfter = "1";
            }

            if (error.Status == 401)
            {
                context.Response.Headers.WWWAuthenticate = "Bearer";
            }

            await Answer.WriteAsync(context.Response, json => Answer.Error(json, error), error.Status);
        }
    }

    /// <summary>
    /// Without keys, a page of the web could have its visitor's browser ask a server on this machine, under a name that it makes point here. Such a request
    /// names another host.
    /// </summary>
    private void ThrowIfForeign(HttpRequest request)
    {
        string host = request.Host.Host.Trim('[', ']');
        if (keys is null && IPAddress.IsLoopback(options.Listen.Address)
            && !string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase) && !(IPAddress.TryParse(host, out IPAddress? address) && IPAddress.IsLoopback(address)))
        {
            throw new ApiException(403, "This server answers requests to this machine's own names only (localhost, 127.0.0.1).", code: "wrong_host");
        }
    }

    private void ThrowIfUnknown(HttpRequest request)
    {
        if (keys is null || request.Path.StartsWithSegments("/health") || PageEndpoint.Owns(request.Path))
        {
            return;
        }

        string header = request.Headers.Authorization.ToString();
        if (header.Length is < 8 or > 256 || !header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) || !keys.Contains(header[7..].Trim()))
        {
            throw new ApiException(401, "A key of this server is needed: 'Authorization: Bearer KEY'.", code: "invalid_api_key");
        }
    }
}
