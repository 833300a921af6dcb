using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Http;

namespace DiPaCo.Cluster.Api;

/// <summary>
/// Lets nobody in without a token that allows what is asked for. Who fails often is not listened to for a while, so that guessing is slow
/// and a misconfigured worker does not fill the log.
/// </summary>
/// <param name="next">What comes behind the gate.</param>
/// <param name="tokens">The tokens.</param>
/// <param name="time">For the pause.</param>
internal sealed class TokenGate(RequestDelegate next, ITokens tokens, TimeProvider time)
{
    /// <summary>Failures within a <see cref="Window"/> after which an address is not listened to.</summary>
    public const int MostFailures = 10;

    private const int MostAddresses = 10_000;
    private const string Scheme = "Bearer ";

    /// <summary>How long failures count.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<IPAddress, (int Count, DateTimeOffset Since)> _failures = new();

    /// <summary>Looks at a request.</summary>
    public async Task InvokeAsync(HttpContext context)
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

        string header = context.Request.Headers.Authorization.ToString();
        string token = header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? header[Scheme.Length..].Trim() : "";
        (TokenRecord? record, string reason) = tokens.Find(token);
        if (record is null)
        {
            Count(caller, now);
            context.Response.Headers.WWWAuthenticate = "Bearer";
            await RefuseAsync(context, StatusCodes.Status401Unauthorized, reason);
            return;
        }

        TokenRole needed = RoleFor(context.Request);
        if (record.Role < needed)
        {
            await RefuseAsync(context, StatusCodes.Status403Forbidden, $"The token {record.Id} is for {Name(record.Role)}; this needs {Name(needed)}.");
            return;
        }

        await next(context);
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
