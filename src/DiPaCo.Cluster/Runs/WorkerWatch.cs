using DiPaCo.Runtime;

namespace DiPaCo.Cluster;

/// <summary>A run that waits for a worker that is not there says so: nobody else would.</summary>
/// <param name="dispatcher">Finds the dispatcher.</param>
/// <param name="run">Name of the run.</param>
/// <param name="observer">Is told.</param>
/// <param name="time">For the rhythm.</param>
internal sealed class WorkerWatch(Func<IDispatcherGrain> dispatcher, string run, IRunObserver observer, TimeProvider time)
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(3);

    /// <summary>Watches until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using PeriodicTimer timer = new(Every, time);
        string told = "";
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await timer.WaitForNextTickAsync(cancellationToken);
                ClusterStatus status = await dispatcher().StatusAsync().WaitAsync(cancellationToken);
                string waits = status.Tasks.FirstOrDefault(task => task.Run == run && task.LacksWorker) is { } task ? $"'{task.Kind}' waits for: {task.State}" : "";
                if (waits != told && waits.Length > 0)
                {
                    observer.Observe(new RunNote(waits, IsWarning: true));
                }

                told = waits;
            }
            catch (OperationCanceledException)
            {
                // The run has ended.
            }
            catch (Exception exception) when (GrainFailures.IsPassing(exception))
            {
                // Whoever waits for a task waits for the dispatcher, too.
            }
        }
    }
}
