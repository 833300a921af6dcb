using System.Collections.Concurrent;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// One thread for all arithmetic. Tensors belong to the thread that made them, and libtorch keeps a team of helpers for every thread
/// that ever called it.
/// </summary>
internal sealed class ComputeThread : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];
    private readonly Thread _thread;

    public ComputeThread()
    {
        _thread = new Thread(Work) { IsBackground = true, Name = "compute" };
        _thread.Start();
    }

    /// <summary>Runs <paramref name="compute"/> there; its exceptions are the task's.</summary>
    public Task<T> Run<T>(Func<T> compute)
    {
        TaskCompletionSource<T> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _work.Add(() =>
        {
            try
            {
                done.SetResult(compute());
            }
            catch (OperationCanceledException cancelled)
            {
                done.SetCanceled(cancelled.CancellationToken);
            }
            catch (Exception failure)
            {
                done.SetException(failure);
            }
        });
        return done.Task;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _work.CompleteAdding();
        _thread.Join();
        _work.Dispose();
    }

    private void Work()
    {
        foreach (Action action in _work.GetConsumingEnumerable())
        {
            action();
        }
    }
}
