using System.Globalization;

namespace DiPaCo.Cluster;

/// <summary>Calls the silo until there is an answer, with pauses that grow up to a bound; gives up after the worker's patience, and says all of it.</summary>
/// <param name="options">Pauses and patience.</param>
/// <param name="observer">Is told of each attempt that failed.</param>
/// <param name="time">For pauses.</param>
internal sealed class PatientCalls(WorkerOptions options, IWorkerObserver observer, TimeProvider time)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(0.1);

    /// <summary>Calls.</summary>
    /// <param name="what">What for, a verb.</param>
    /// <param name="call">One attempt.</param>
    /// <param name="cancellationToken">Ends the attempts.</param>
    /// <exception cref="LinkException">The silo refuses, or patience has come to its end.</exception>
    public async Task<T> CallAsync<T>(string what, Func<Task<T>> call, CancellationToken cancellationToken)
    {
        long since = time.GetTimestamp();
        TimeSpan pause = FirstPause;
        while (true)
        {
            try
            {
                return await call();
            }
            catch (LinkException exception) when (!exception.IsFinal)
            {
                TimeSpan waited = time.GetElapsedTime(since);
                if (waited > options.Patience)
                {
                    throw new LinkException($"Could not {what} for {Text(waited)}: {exception.Message} This worker has given up; start it again once the cause is gone.", isFinal: true, exception);
                }

                observer.Observe(new WorkerEvent(
                    WorkerEventKind.Unreachable,
                    $"cannot {what} for {Text(waited)}: {exception.Message} Next attempt in {Text(pause)}, the last in {Text(options.Patience - waited)}."));
                await Task.Delay(pause, time, cancellationToken);
                pause = TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, options.LongestPause.Ticks));
            }
        }
    }

    private static string Text(TimeSpan span) => span < TimeSpan.FromMinutes(2)
        ? string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.0} s")
        : string.Create(CultureInfo.InvariantCulture, $"{span.TotalMinutes:0} min");
}
