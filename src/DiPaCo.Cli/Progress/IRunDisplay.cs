using DiPaCo.Runtime;

namespace DiPaCo.Cli.Progress;

/// <summary>Shows a run while it works.</summary>
internal interface IRunDisplay
{
    /// <summary>Does <paramref name="work"/> on a thread of its own and shows the events that it reports.</summary>
    Task<T> ShowAsync<T>(Func<IRunObserver, Task<T>> work, CancellationToken cancellation);
}
