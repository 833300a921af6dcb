namespace DiPaCo.EndToEnd.Chaos;

/// <summary>A process that is started again whenever it ends, as a service manager does.</summary>
internal sealed class KeptAlive : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(0.2);

    private readonly string[] _arguments;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<string> _past = [];
    private readonly Task _watch;
    private DipacoProcess _process;

    public KeptAlive(params string[] arguments)
    {
        _arguments = arguments;
        _process = DipacoProcess.Start(arguments);
        _watch = WatchAsync();
    }

    public DipacoProcess Process => Volatile.Read(ref _process);

    /// <summary>What all of its lives wrote.</summary>
    public string Output
    {
        get
        {
            lock (_past)
            {
                return string.Join("\n--- started again ---\n", [.. _past, Process.Output]);
            }
        }
    }

    /// <summary>Sends a signal by name; to a process that is just being started again none.</summary>
    public void Signal(string name)
    {
        try
        {
            Process.Signal(name);
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watch;
        Process.Dispose();
        _stop.Dispose();
    }

    private async Task WatchAsync()
    {
        try
        {
            while (true)
            {
                await Process.EndAsync(_stop.Token);
                lock (_past)
                {
                    _past.Add(Process.Output);
                }

                await Task.Delay(Pause, TimeProvider.System, _stop.Token);
                DipacoProcess next = DipacoProcess.Start(_arguments);
                Interlocked.Exchange(ref _process, next).Dispose();
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }
}
