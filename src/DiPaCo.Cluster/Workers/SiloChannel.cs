using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using Grpc.Core;
using Grpc.Net.Client;

namespace DiPaCo.Cluster;

/// <summary>
/// The connection of a worker to the silos of an invitation, for gRPC and for blobs: it carries the token, and talks only to the certificate that it
/// was told. One silo at a time; when that fails, the next.
/// </summary>
public sealed class SiloChannel : IDisposable
{
    private readonly GrpcChannel _channel;

    /// <summary>Prepares a connection; nothing is sent yet.</summary>
    /// <param name="address">The silo to begin with.</param>
    /// <param name="invitation">The other silos, token and certificate.</param>
    /// <param name="time">For noticing silos that are silent.</param>
    public SiloChannel(Uri address, Invitation invitation, TimeProvider? time = null)
    {
        Handler = new SocketsHttpHandler
        {
            // A connection that a router has forgotten is noticed, also while a question for work waits.
            KeepAlivePingDelay = TimeSpan.FromSeconds(5),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(5),
            EnableMultipleHttp2Connections = true,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            // A redirect leads past the silo, where its token has no business.
            AllowAutoRedirect = false,
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
        };
        if (invitation.Certificate.Length > 0)
        {
            Handler.SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = (_, certificate, _, _) => ServerCertificate.Matches(certificate, invitation.Certificate),
            };
        }

        RoamingHandler roaming = new([address, .. invitation.Addresses.Where(other => other != address)], Handler, time ?? TimeProvider.System);
        Http = new HttpClient(roaming, disposeHandler: false)
        {
            BaseAddress = address,
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Timeout = Timeout.InfiniteTimeSpan,
        };
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", invitation.Token);
        _channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            HttpClient = Http,
            MaxReceiveMessageSize = Runtime.Tasks.TaskSpecJson.MaximumBytes,
        });
    }

    /// <summary>For gRPC.</summary>
    public CallInvoker Invoker => _channel.CreateCallInvoker();

    /// <summary>For blobs.</summary>
    public HttpClient Http { get; }

    private SocketsHttpHandler Handler { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        _channel.Dispose();
        Http.Dispose();
        Handler.Dispose();
    }
}
