using DiPaCo.Runtime;

namespace DiPaCo.Cluster;

/// <summary>The last events of a run, for whoever follows it. Bounded: who comes too late misses some, which decide nothing.</summary>
internal sealed class RunEvents
{
    private const int Most = 2000;
    private const int MostAtOnce = 500;

    private readonly Lock _lock = new();
    private readonly Queue<string> _events = new();
    private long _next;
    private TaskCompletionSource _added = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Adds one; the oldest goes where there are too many.</summary>
    public void Add(RunEvent runEvent)
    {
        if (RunEventJson.Write(runEvent) is not { } line)
        {
            return;
        }

        TaskCompletionSource added;
        lock (_lock)
        {
            _events.Enqueue(line);
            _next++;
            if (_events.Count > Most)
            {
                _events.Dequeue();
            }

            added = _added;
            _added = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        added.SetResult();
    }

    /// <summary>Those from a number on, at most so many as one message carries.</summary>
    public async Task<(long Next, IReadOnlyList<string> Events)> FromAsync(long next, Task end, TimeSpan patience, TimeProvider time)
    {
        Task added;
        lock (_lock)
        {
            added = _next > next ? Task.CompletedTask : _added.Task;
        }

        await Task.WhenAny(added, end).WaitAsync(patience, time).ContinueWith(_ => { }, TaskScheduler.Default);
        lock (_lock)
        {
            long first = Math.Max(next, _next - _events.Count);
            string[] events = [.. _events.Skip((int)(first - (_next - _events.Count))).Take(MostAtOnce)];
            return (first + events.Length, events);
        }
    }
}
