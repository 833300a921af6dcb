using Microsoft.AspNetCore.Http;

namespace DiPaCo.Serving.Http;

/// <summary>Ends a request when its client has gone or its time is over.</summary>
internal sealed class RequestTime : IDisposable
{
    private readonly CancellationTokenSource _timeout;
    private readonly CancellationTokenSource _linked;

    /// <summary>Starts the clock.</summary>
    public RequestTime(HttpContext context, ServingState state)
    {
        _timeout = new CancellationTokenSource(state.Limits.Timeout, state.Time);
        _linked = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _timeout.Token);
    }

    /// <summary>Is cancelled at the end.</summary>
    public CancellationToken Token => _linked.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        _linked.Dispose();
        _timeout.Dispose();
    }
}
