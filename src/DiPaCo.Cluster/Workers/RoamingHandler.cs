using System.Collections.Immutable;
using System.Net.Sockets;

namespace DiPaCo.Cluster;

/// <summary>
/// Sends requests to one of several silos that are as good as each other: to the same one as long as it answers, after a failure to the next.
/// Trying again is the caller's.
/// </summary>
/// <param name="silos">Their addresses.</param>
/// <param name="inner">Sends.</param>
/// <param name="time">For noticing silos that take a connection and say nothing.</param>
internal sealed class RoamingHandler(ImmutableArray<Uri> silos, HttpMessageHandler inner, TimeProvider time) : DelegatingHandler(inner)
{
    // Longer than a silo lets a question for work wait.
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(15);

    private int _current;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        int at = Volatile.Read(ref _current);
        Uri silo = silos[at % silos.Length];
        request.RequestUri = new UriBuilder(request.RequestUri!) { Scheme = silo.Scheme, Host = silo.Host, Port = silo.Port }.Uri;
        long begun = time.GetTimestamp();
        try
        {
            return await base.SendAsync(request, cancellationToken);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or SocketException
            || (exception is OperationCanceledException && time.GetElapsedTime(begun) > Silence))
        {
            Interlocked.CompareExchange(ref _current, at + 1, at);
            throw;
        }
    }
}
