using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace DiPaCo.Data;

/// <summary>
/// Prepares the next batches on a thread of its own while the current one computes. Buffers go round in a ring: a batch is valid until
/// the next one is taken. One consumer.
/// </summary>
public sealed class BatchPrefetcher : IDisposable
{
    private readonly ShardBatches _source;
    private readonly TimeProvider _time;
    private readonly BlockingCollection<Batch> _ready = [];
    private readonly BlockingCollection<Batch> _free = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _thread;
    private ExceptionDispatchInfo? _failure;
    private Batch? _taken;

    /// <summary>Starts preparing.</summary>
    /// <param name="source">Is used by the prefetcher alone until it is disposed.</param>
    /// <param name="steps">The steps to prepare, in order.</param>
    /// <param name="depth">Batches prepared ahead, besides the one in use.</param>
    /// <param name="time">Measures <see cref="Waited"/>.</param>
    public BatchPrefetcher(ShardBatches source, StepRange steps, int depth, TimeProvider time)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(depth);
        _source = source;
        _time = time;
        for (int i = 0; i <= depth; i++)
        {
            _free.Add(source.NewBatch());
        }

        _thread = new Thread(() => Prepare(steps)) { IsBackground = true, Name = "DiPaCo batches" };
        _thread.Start();
    }

    /// <summary>How long <see cref="Take"/> has waited in all.</summary>
    public TimeSpan Waited { get; private set; }

    /// <summary>The next batch, in the order of steps. Ends the use of the one before.</summary>
    /// <exception cref="InvalidOperationException">All steps have been taken.</exception>
    public Batch Take(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
        if (_taken is not null)
        {
            _free.Add(_taken, cancellationToken);
            _taken = null;
        }

        if (!_ready.TryTake(out Batch? batch))
        {
            long start = _time.GetTimestamp();
            bool got = _ready.TryTake(out batch, Timeout.Infinite, cancellationToken);
            Waited += _time.GetElapsedTime(start);
            if (!got)
            {
                _failure?.Throw();
                throw new InvalidOperationException("All steps have been taken.");
            }
        }

        return _taken = batch!;
    }

    /// <summary>Stops preparing and waits for the thread, which is never longer than one batch.</summary>
    public void Dispose()
    {
        if (_stop.IsCancellationRequested)
        {
            return;
        }

        _stop.Cancel();
        _thread.Join();
        _stop.Dispose();
        _ready.Dispose();
        _free.Dispose();
    }

    private void Prepare(StepRange steps)
    {
        try
        {
            for (long step = steps.Start; step < steps.End; step++)
            {
                Batch batch = _free.Take(_stop.Token);
                _source.Fill(step, batch);
                _ready.Add(batch, _stop.Token);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Disposed: nobody waits for more.
        }
        catch (Exception failure)
        {
            // Whatever it is belongs to the consumer's thread, where Take throws it again.
            _failure = ExceptionDispatchInfo.Capture(failure);
        }
        finally
        {
            _ready.CompleteAdding();
        }
    }
}
