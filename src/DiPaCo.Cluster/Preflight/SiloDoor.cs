using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace DiPaCo.Cluster;

/// <summary>The way to a silo, looked at step by step, so that what is wrong with it has a name: the host's name, the port, TLS, the certificate.</summary>
/// <param name="address">The silo.</param>
/// <param name="certificate">SHA-256 of the certificate that the invitation names; empty: the system's authorities decide.</param>
/// <param name="patience">How long each step may take.</param>
/// <param name="time">For that.</param>
public sealed class SiloDoor(Uri address, string certificate, TimeSpan patience, TimeProvider time)
{
    /// <summary>Goes there once.</summary>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>What was found, for people.</returns>
    /// <exception cref="LinkException">What is in the way, and what to do. Final where going again would change nothing.</exception>
    public async Task<string> LookAsync(CancellationToken cancellationToken)
    {
        IPAddress[] addresses = await ResolveAsync(cancellationToken);
        using Socket socket = await ConnectAsync(addresses, cancellationToken);
        string tls = address.Scheme == Uri.UriSchemeHttps ? await HandshakeAsync(socket, cancellationToken) : "no TLS";
        return string.Create(CultureInfo.InvariantCulture, $"{address.Host} is {((IPEndPoint)socket.RemoteEndPoint!).Address}, port {address.Port} answers, {tls}");
    }

    private async Task<IPAddress[]> ResolveAsync(CancellationToken cancellationToken)
    {
        string cause;
        try
        {
            IPAddress[] found = await WithinAsync(limit => Dns.GetHostAddressesAsync(address.DnsSafeHost, limit), cancellationToken);
            if (found.Length > 0)
            {
                return found;
            }

            cause = "the name has no address";
        }
        catch (SocketException exception)
        {
            cause = exception.Message;
        }
        catch (TimeoutException)
        {
            cause = $"no answer within {Seconds}";
        }

        throw new LinkException(
            $"The name '{address.Host}' of the invitation cannot be resolved ({cause}). Check this machine's DNS, or have the run name an address that this machine can reach (--public-host).",
            isFinal: false);
    }

    private async Task<Socket> ConnectAsync(IPAddress[] addresses, CancellationToken cancellationToken)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await WithinAsync(
                async limit =>
                {
                    await socket.ConnectAsync(addresses, address.Port, limit);
                    return true;
                },
                cancellationToken);
            return socket;
        }
        catch (SocketException exception)
        {
            socket.Dispose();
            throw new LinkException(
                exception.SocketErrorCode == SocketError.ConnectionRefused
                    ? $"{Place} refuses connections: nobody listens there. Check that the run is going on, and that its port is this one; a port of 0 is another one after each start."
                    : $"{Place} cannot be reached: {exception.Message} Check this machine's network and routes.",
                isFinal: false, exception);
        }
        catch (TimeoutException exception)
        {
            socket.Dispose();
            throw new LinkException(
                $"{Place} does not answer within {Seconds}: a firewall drops what is sent there, or the address is another machine's. Open the port, or have the run name another address (--public-host).",
                isFinal: false, exception);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<string> HandshakeAsync(Socket socket, CancellationToken cancellationToken)
    {
        string shown = "";
        bool trusted = false;
        await using NetworkStream network = new(socket, ownsSocket: false);
        await using SslStream tls = new(network, leaveInnerStreamOpen: true, (_, found, _, errors) =>
        {
            shown = found is null ? "" : ServerCertificate.FingerprintOf(found);
            trusted = certificate.Length > 0 ? ServerCertificate.Matches(found, certificate) : errors == SslPolicyErrors.None;
            return trusted;
        });
        try
        {
            await WithinAsync(
                async limit =>
                {
                    await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = address.DnsSafeHost }, limit);
                    return true;
                },
                cancellationToken);
            return certificate.Length > 0 ? "its certificate is the invitation's" : "its certificate is trusted";
        }
        catch (TimeoutException exception)
        {
            throw new LinkException($"{Place} takes the connection and then says nothing for {Seconds}: it is overloaded, frozen, or no silo. Look at the run's machine.", isFinal: false, exception);
        }
        catch (AuthenticationException exception) when (shown.Length > 0 && !trusted)
        {
            throw new LinkException(
                certificate.Length > 0
                    ? $"Whoever answers at {Place} shows another certificate ({shown[..12]}…) than the invitation names ({certificate[..12]}…). If the run was set up anew, ask for a new invitation; otherwise somebody is in between."
                    : $"Nobody that this machine trusts has signed the certificate of {Place}. Ask for an invitation that names the certificate.",
                isFinal: true, exception);
        }
        catch (Exception exception) when (exception is AuthenticationException or IOException)
        {
            throw new LinkException($"Whoever answers at {Place} does not speak TLS as a silo does: {exception.Message} Check address and port of the invitation.", isFinal: false, exception);
        }
    }

    private string Place => string.Create(CultureInfo.InvariantCulture, $"{address.Host}:{address.Port}");

    private string Seconds => string.Create(CultureInfo.InvariantCulture, $"{patience.TotalSeconds:0.#} s");

    private async Task<T> WithinAsync<T>(Func<CancellationToken, Task<T>> step, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = new(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await step(either.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException();
        }
    }
}
