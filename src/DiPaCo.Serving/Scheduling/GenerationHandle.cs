using System.Threading.Channels;

namespace DiPaCo.Serving.Scheduling;

/// <summary>
/// A sequence as its client sees it. Events wait here until they are read: their number is bounded by the tokens that were asked for, so a slow reader
/// holds up nobody but himself. Disposing of it ends the sequence and frees all that it holds.
/// </summary>
internal sealed class GenerationHandle : IDisposable
{
    private readonly Channel<GenerationEvent> _events = Channel.CreateUnbounded<GenerationEvent>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
    private readonly Action<GenerationHandle> _gone;
    private int _cancelled;

    internal GenerationHandle(GenerationRequest request, Action<GenerationHandle> gone)
    {
        Request = request;
        _gone = gone;
    }

    /// <summary>What was asked for.</summary>
    public GenerationRequest Request { get; }

    /// <summary>Whether nobody wants it any more.</summary>
    public bool IsCancelled => Volatile.Read(ref _cancelled) == 1;

    /// <summary>The events to the end.</summary>
    /// <exception cref="Core.DiPaCoException">The sequence failed.</exception>
    public IAsyncEnumerable<GenerationEvent> ReadAsync(CancellationToken cancellationToken) => _events.Reader.ReadAllAsync(cancellationToken);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _cancelled, 1) == 0)
        {
            _gone(this);
        }
    }

    internal void Write(GenerationEvent happened) => _events.Writer.TryWrite(happened);

    internal void Complete(Exception? failure = null) => _events.Writer.TryComplete(failure);
}
