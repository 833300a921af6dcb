using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using Grpc.Core;
using Grpc.Net.Client;

namespace DiPaCo.Cluster;

/// <summary>The connection of a worker to a silo, for gRPC and for blobs: it carries the token, and talks only to the certificate that it was told.</summary>
public sealed class SiloChannel : IDisposable
{
    private readonly GrpcChannel _channel;

    /// <summary>Prepares a connection; nothing is sent yet.</summary>
    /// <param name="address">The silo.</param>
    /// <param name="invitation">Token and certificate.</param>
    public SiloChannel(Uri address, Invitation invitation)
    {
        Handler = new SocketsHttpHandler
        {
            // A connection that a router has forgotten is noticed, also while a question for work waits.
            KeepAlivePingDelay = TimeSpan.FromSeconds(20),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
            EnableMultipleHttp2Connections = true,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
        };
        if (invitation.Certificate.Length > 0)
        {
            Handler.SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = (_, certificate, _, _) => ServerCertificate.Matches(certificate, invitation.Certificate),
            };
        }

        Http = new HttpClient(Handler, disposeHandler: false)
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
