using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Claims;
using Microsoft.AspNetCore.Http;

namespace DiPaCo.Cluster.Api;

/// <summary>
/// Lets nobody in without a token that allows what is asked for. An address that brings many wrong ones is not told for a while what is wrong with the next,
/// so that guessing is slow. A good token passes all the same: behind one address there may be many workers, of which one is set up wrongly.
/// </summary>
/// <param name="next">What comes behind the gate.</param>
/// <param name="tokens">The tokens.</param>
/// <param name="time">For the pause.</param>
internal sealed class TokenGate(RequestDelegate next, ITokens tokens, TimeProvider time)
{
    /// <summary>Failures within a <see cref="Window"/> after which a wrong token is not looked into.</summary>
    public const int MostFailures = 10;

    private const int MostAddresses = 10_000;
    private const string Scheme = "Bearer";
    private const string Prefix = Scheme + " ";

    /// <summary>How long failures count.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<IPAddress, (int Count, DateTimeOffset Since)> _failures = new();

    /// <summary>Looks at a request.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        (TokenRecord? Record, string Reason) found;
        try
        {
            found = await tokens.FindAsync(TokenOf(context.Request), context.RequestAborted);
        }
        catch (DatabaseAwayException)
        {
            // Its message names hosts, which strangers need not know.
            await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "The silo cannot look up the token: its database does not answer. Try again.");
            return;
        }

        if (found.Record is not { } record)
        {
            await RefuseStrangerAsync(context, found.Reason);
            return;
        }

        TokenRole needed = RoleFor(context.Request);
        if (record.Role < needed)
        {
            await RefuseAsync(context, StatusCodes.Status403Forbidden, $"The token {record.Id} is for {Name(record.Role)}; this needs {Name(needed)}.");
            return;
        }

        // Whatever the caller says of itself, its uploads are its token's (BlobEndpointOptions.Uploader).
        context.User = new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, record.Id)], Scheme));
        await next(context);
    }

    private static string TokenOf(HttpRequest request)
    {
        string header = request.Headers.Authorization.ToString();
        return header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) ? header[Prefix.Length..].Trim() : "";
    }

    private async Task RefuseStrangerAsync(HttpContext context, string reason)
    {
        IPAddress caller = context.Connection.RemoteIpAddress ?? IPAddress.None;
        DateTimeOffset now = time.GetUtcNow();
        if (_failures.TryGetValue(caller, out (int Count, DateTimeOffset Since) failed) && failed.Count >= MostFailures && now - failed.Since < Window)
        {
            TimeSpan left = Window - (now - failed.Since);
            context.Response.Headers.RetryAfter = Math.Ceiling(left.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            await RefuseAsync(context, StatusCodes.Status429TooManyRequests, $"Too many wrong tokens from {caller}; try again in {left.TotalSeconds:0} s.");
            return;
        }

        Count(caller, now);
        context.Response.Headers.WWWAuthenticate = Scheme;
        await RefuseAsync(context, StatusCodes.Status401Unauthorized, reason);
    }

    /// <summary>What a request needs. What is not named here is for administrators.</summary>
    private static TokenRole RoleFor(HttpRequest request)
    {
        PathString path = request.Path;
        bool transfer = path.StartsWithSegments("/blobs", out PathString blob) && blob.Value is { Length: > 1 }
            && (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsPut(request.Method));
        return transfer || path.StartsWithSegments("/dipaco.worker.v1.Worker") ? TokenRole.Worker
            : path == "/dipaco.operator.v1.Operator/Status" || path == "/dipaco.operator.v1.Operator/Follow" ? TokenRole.Read
            : TokenRole.Admin;
    }

    private static string Name(TokenRole role) => role switch
    {
        TokenRole.Read => "reading",
        TokenRole.Worker => "workers",
        _ => "administrators",
    };

    private void Count(IPAddress caller, DateTimeOffset now)
    {
        if (_failures.Count >= MostAddresses)
        {
            foreach ((IPAddress address, (int Count, DateTimeOffset Since) old) in _failures)
            {
                if (now - old.Since >= Window)
                {
                    _failures.TryRemove(address, out _);
                }
            }
        }

        if (_failures.Count < MostAddresses || _failures.ContainsKey(caller))
        {
            _failures.AddOrUpdate(caller, (1, now), (_, old) => now - old.Since < Window ? (old.Count + 1, old.Since) : (1, now));
        }
    }

    /// <summary>gRPC callers read the status from headers; all others from the body.</summary>
    private static async Task RefuseAsync(HttpContext context, int status, string reason)
    {
        if (context.Request.ContentType?.StartsWith("application/grpc", StringComparison.Ordinal) == true)
        {
            context.Response.ContentType = "application/grpc";
            int grpc = status switch
            {
                StatusCodes.Status401Unauthorized => 16,
                StatusCodes.Status403Forbidden => 7,
                _ => 14,
            };
            context.Response.Headers["grpc-status"] = grpc.ToString(CultureInfo.InvariantCulture);
            context.Response.Headers["grpc-message"] = Uri.EscapeDataString(reason);
            return;
        }

        context.Response.StatusCode = status;
        await Results.Problem(detail: reason, statusCode: status).ExecuteAsync(context);
    }
}
