using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace DiPaCo.Benchmarks;

/// <summary>A stretch of network to a port of this machine: so many bytes a second in each direction, over all connections together, and a delay.</summary>
internal sealed class ShapedLink : IDisposable
{
    private const int PieceBytes = 8 << 10;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly int _target;
    private readonly double _delay;
    private readonly int _piecesUnderWay;
    private readonly Lane _there;
    private readonly Lane _back;

    /// <summary>Opens it.</summary>
    /// <param name="target">The port.</param>
    /// <param name="bytesPerSecond">In each direction.</param>
    /// <param name="delay">Of every byte, one way, in seconds.</param>
    public ShapedLink(int target, double bytesPerSecond, double delay)
    {
        _target = target;
        _delay = delay;

        // What a connection's window has room for: twice what is under way at full speed, and some more.
        _piecesUnderWay = (int)(4 * bytesPerSecond * delay / PieceBytes) + 16;
        _there = new Lane(bytesPerSecond);
        _back = new Lane(bytesPerSecond);
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>Where it begins.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ForwardAsync(await _listener.AcceptSocketAsync(_stop.Token));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Closed.
        }
    }

    private async Task ForwardAsync(Socket from)
    {
        using Socket to = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using (from)
        {
            try
            {
                from.NoDelay = true;
                await to.ConnectAsync(IPAddress.Loopback, _target, _stop.Token);
                await Task.WhenAny(PumpAsync(from, to, _there), PumpAsync(to, from, _back));
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException or OperationCanceledException)
            {
                // As a network does.
            }
        }
    }

    private async Task PumpAsync(Socket from, Socket to, Lane lane)
    {
        Channel<(byte[] Piece, double Arrives)> underWay = Channel.CreateBounded<(byte[] Piece, double Arrives)>(_piecesUnderWay);
        Task delivering = DeliverAsync(underWay.Reader, to);
        try
        {
            byte[] buffer = new byte[PieceBytes];
            for (int read; (read = await from.ReceiveAsync(buffer, _stop.Token)) > 0;)
            {
                await underWay.Writer.WriteAsync((buffer[..read], lane.LeavesAt(read) + _delay), _stop.Token);
            }

            underWay.Writer.Complete();
            await delivering;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            underWay.Writer.TryComplete();
        }
    }

    private async Task DeliverAsync(ChannelReader<(byte[] Piece, double Arrives)> underWay, Socket to)
    {
        try
        {
            await foreach ((byte[] piece, double arrives) in underWay.ReadAllAsync(_stop.Token))
            {
                TimeSpan left = TimeSpan.FromSeconds(arrives - Clocks.Wall());
                if (left > TimeSpan.Zero)
                {
                    await Task.Delay(left, TimeProvider.System, _stop.Token);
                }

                for (int sent = 0; sent < piece.Length;)
                {
                    sent += await to.SendAsync(piece.AsMemory(sent), _stop.Token);
                }
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The other direction ends with it.
        }
    }

    /// <summary>One direction: bytes go one behind the other.</summary>
    private sealed class Lane(double bytesPerSecond)
    {
        private readonly Lock _lock = new();
        private double _free;

        public double LeavesAt(int bytes)
        {
            lock (_lock)
            {
                _free = Math.Max(_free, Clocks.Wall()) + (bytes / bytesPerSecond);
                return _free;
            }
        }
    }
}
