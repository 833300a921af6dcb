using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace DiPaCo.EndToEnd.Chaos;

/// <summary>A stretch of network between workers and a silo: it can be cut, and it can be made slow.</summary>
internal sealed class TcpProxy : IDisposable
{
    private const int BufferBytes = 64 << 10;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _target;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Socket, bool> _open = [];
    private volatile bool _isCut;
    private long _delayMilliseconds;

    public TcpProxy(int target)
    {
        _target = target;
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Each piece of data waits so long.</summary>
    public TimeSpan Delay
    {
        set => Interlocked.Exchange(ref _delayMilliseconds, (long)value.TotalMilliseconds);
    }

    /// <summary>Whether nothing comes through, and what was connected is not any more.</summary>
    public bool IsCut
    {
        set
        {
            _isCut = value;
            foreach (Socket socket in value ? _open.Keys : [])
            {
                socket.Dispose();
            }
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        IsCut = true;
        _listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptSocketAsync(_stop.Token);
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }

            _ = ForwardAsync(socket);
        }
    }

    private async Task ForwardAsync(Socket from)
    {
        Socket to = new(SocketType.Stream, ProtocolType.Tcp);
        _open[from] = _open[to] = true;
        try
        {
            if (!_isCut)
            {
                await to.ConnectAsync(IPAddress.Loopback, _target, _stop.Token);
                await Task.WhenAny(PumpAsync(from, to), PumpAsync(to, from));
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // As a network does.
        }
        finally
        {
            _open.TryRemove(from, out _);
            _open.TryRemove(to, out _);
            from.Dispose();
            to.Dispose();
        }
    }

    private async Task PumpAsync(Socket from, Socket to)
    {
        byte[] buffer = new byte[BufferBytes];
        try
        {
            for (int read; (read = await from.ReceiveAsync(buffer, _stop.Token)) > 0;)
            {
                if (Interlocked.Read(ref _delayMilliseconds) is > 0 and var delay)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(delay), TimeProvider.System, _stop.Token);
                }

                await to.SendAsync(buffer.AsMemory(0, read), _stop.Token);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The other direction ends with it.
        }
    }
}
