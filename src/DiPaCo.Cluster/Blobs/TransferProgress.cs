using System.Globalization;

namespace DiPaCo.Cluster.Blobs;

/// <summary>How far one operation is, over all its attempts; ends an attempt that stands still or runs past the deadline.</summary>
internal sealed class TransferProgress : IDisposable
{
    private readonly RemoteBlobOptions _options;
    private readonly TimeProvider _time;
    private readonly long _started;
    private readonly CancellationToken _caller;
    private CancellationTokenSource _timer;
    private CancellationTokenSource _linked;
    private long _expected;

    public TransferProgress(RemoteBlobOptions options, TimeProvider time, CancellationToken caller)
    {
        _options = options;
        _time = time;
        _caller = caller;
        _started = time.GetTimestamp();
        Attempt = 1;
        (_timer, _linked) = NewAttempt();
    }

    /// <summary>The number of the attempt, from 1.</summary>
    public int Attempt { get; private set; }

    /// <summary>Bytes of the blob that are where they are to go.</summary>
    public long Position { get; private set; }

    /// <summary>Whether this attempt has moved a byte.</summary>
    public bool Moved { get; private set; }

    /// <summary>Ends this attempt: the caller's wish, a stall, or the deadline.</summary>
    public CancellationToken Token => _linked.Token;

    /// <summary>Whether the attempt was ended here and not by the caller.</summary>
    public bool TimedOut => _timer.IsCancellationRequested && !_caller.IsCancellationRequested;

    public TimeSpan Elapsed => _time.GetElapsedTime(_started);

    /// <summary>What is left of the operation's time.</summary>
    public TimeSpan Remaining => _options.Deadline + TimeSpan.FromSeconds((double)_expected / _options.MinimumBytesPerSecond) - Elapsed;

    /// <summary>The size is known, or claimed; it is at most the largest allowed one.</summary>
    public void Expect(long bytes) => _expected = Math.Clamp(bytes, 0, _options.MaximumBlobBytes);

    /// <summary>The attempt begins at this byte.</summary>
    public void StartAt(long position) => Position = position;

    /// <summary>Some bytes more.</summary>
    public void Advance(long bytes)
    {
        Position += bytes;
        Moved |= bytes > 0;
        _timer.CancelAfter(Patience());
    }

    /// <summary>The last attempt failed; another begins.</summary>
    public void Again()
    {
        Attempt++;
        Moved = false;
        _linked.Dispose();
        _timer.Dispose();
        (_timer, _linked) = NewAttempt();
    }

    /// <summary>For messages.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Attempt} attempts in {Elapsed.TotalSeconds:0.#} s, {Position} of {(_expected > 0 ? _expected.ToString(CultureInfo.InvariantCulture) : "unknown")} bytes done");

    public void Dispose()
    {
        _linked.Dispose();
        _timer.Dispose();
    }

    private (CancellationTokenSource Timer, CancellationTokenSource Linked) NewAttempt()
    {
        var timer = new CancellationTokenSource(Patience(), _time);
        return (timer, CancellationTokenSource.CreateLinkedTokenSource(timer.Token, _caller));
    }

    private TimeSpan Patience()
    {
        TimeSpan remaining = Remaining < TimeSpan.Zero ? TimeSpan.Zero : Remaining;
        return remaining < _options.StallTimeout ? remaining : _options.StallTimeout;
    }
}
