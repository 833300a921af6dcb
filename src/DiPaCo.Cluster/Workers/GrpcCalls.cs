using System.Security.Authentication;
using Grpc.Core;

namespace DiPaCo.Cluster;

/// <summary>Calls to a silo, whose failures say what to do.</summary>
internal static class GrpcCalls
{
    // A silo answers a question for work within its patience, everything else at once.
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    /// <summary>The deadline of a call.</summary>
    public static CallOptions Options(TimeProvider time, CancellationToken cancellationToken) =>
        new(deadline: (time.GetUtcNow() + Deadline).UtcDateTime, cancellationToken: cancellationToken);

    /// <summary>Calls, and says in words of this program what went wrong.</summary>
    /// <exception cref="LinkException">The silo refused, or did not answer.</exception>
    public static async Task<T> CallAsync<T>(Func<Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call();
        }
        catch (RpcException exception)
        {
            cancellationToken.ThrowIfCancellationRequested();
            bool isFinal = exception.StatusCode is StatusCode.InvalidArgument or StatusCode.FailedPrecondition or StatusCode.Unauthenticated
                or StatusCode.PermissionDenied or StatusCode.Unimplemented || IsOtherCertificate(exception);
            throw new LinkException(Explain(exception), isFinal, exception);
        }
    }

    private static bool IsOtherCertificate(RpcException exception) =>
        exception.Status.DebugException is { } cause && (cause is AuthenticationException || cause.GetBaseException() is AuthenticationException);

    private static string Explain(RpcException exception) => IsOtherCertificate(exception)
        ? "Whoever answers at this address shows another certificate than the invitation names. If the silo was set up anew, ask for a new invitation ('dipaco token'); otherwise somebody is in between."
        : exception.StatusCode switch
    {
        StatusCode.Unauthenticated => $"The silo does not accept this worker's token: {exception.Status.Detail} Ask for a new invitation ('dipaco token').",
        StatusCode.PermissionDenied => $"The token does not allow it: {exception.Status.Detail}",
        StatusCode.Unimplemented => "Whoever answers at this address is no silo of this version of dipaco.",
        StatusCode.DeadlineExceeded => "The silo did not answer in time.",
        StatusCode.Unavailable => $"The silo cannot be reached: {exception.Status.DebugException?.GetBaseException().Message ?? exception.Status.Detail}",
        _ => exception.Status.Detail,
    };
}
