using DiPaCo.Core;

namespace DiPaCo.Cluster;

/// <summary>
/// What a worker looks at before it joins: the way to the silo, version, clock, disk, memory and speed. Each thing that is wrong is said with
/// its cause and its repair; what may pass is tried again, with pauses that grow and an end.
/// </summary>
/// <param name="door">The way to the silo.</param>
/// <param name="link">The silo.</param>
/// <param name="options">Pauses and patience.</param>
/// <param name="observer">Is told what was found.</param>
/// <param name="time">The clock that is compared.</param>
public sealed class WorkerPreflight(SiloDoor door, IWorkerLink link, WorkerOptions options, IWorkerObserver observer, TimeProvider time)
{
    /// <summary>Looks at everything.</summary>
    /// <param name="offer">What the worker is.</param>
    /// <param name="space">Room for blobs.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="DiPaCoException">Something is wrong that does not pass by itself, or has not within the worker's patience.</exception>
    public async Task RunAsync(WorkerOffer offer, CacheSpace space, CancellationToken cancellationToken)
    {
        PatientCalls calls = new(options, observer, time);
        (string found, Greeting greeting, DateTimeOffset middle) = await calls.CallAsync(
            "join",
            async () =>
            {
                string looked = await door.LookAsync(cancellationToken);
                DateTimeOffset asked = time.GetUtcNow();
                Greeting answer = await link.GreetAsync(cancellationToken);
                return (looked, answer, asked + ((time.GetUtcNow() - asked) / 2));
            },
            cancellationToken);
        MachineCheck.Of(greeting, offer, space, middle).Report(found, observer);
    }
}
