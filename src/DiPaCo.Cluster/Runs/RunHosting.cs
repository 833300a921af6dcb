using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cluster;

/// <summary>The recipe of a run, hosted by this silo outside of its grain's turns. It may be ended at any moment: what is done is in the journal.</summary>
internal sealed class RunHosting : IRunObserver, IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan StepsEvery = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan Goodbye = TimeSpan.FromSeconds(10);

    private readonly string _name;
    private readonly RunMemory _memory;
    private readonly RunServices _services;
    private readonly IGrainFactory _grains;
    private readonly CancellationTokenSource _stop = new();
    private readonly RunEvents _events = new();
    private readonly Task _work;
    private string _stage = "begins";
    private long _units;
    private long _lastStep;

    /// <summary>Begins to host.</summary>
    public RunHosting(string name, RunMemory memory, RunServices services, IGrainFactory grains)
    {
        _name = name;
        _memory = memory;
        _services = services;
        _grains = grains;
        Session = services.Time.GetUtcNow().ToUnixTimeMilliseconds();
        _work = Task.Run(RunAsync);
    }

    /// <summary>Tells one host's events from another's.</summary>
    public long Session { get; }

    /// <summary>Nothing happens here any more.</summary>
    public bool IsEnded => _work.IsCompleted;

    /// <summary>What it is at.</summary>
    public string Doing => Volatile.Read(ref _stage);

    /// <summary>Events from a number on; waits a while for one, or for the end.</summary>
    public Task<(long Next, IReadOnlyList<string> Events)> EventsAsync(long next, TimeSpan patience) => _events.FromAsync(next, _work, patience, _services.Time);

    /// <inheritdoc/>
    public void Observe(RunEvent runEvent)
    {
        switch (runEvent)
        {
            case StageStarted started:
                _units = started.Units;
                Volatile.Write(ref _stage, Name(started.Stage));
                break;
            case StageAdvanced advanced when _units > 0:
                Volatile.Write(ref _stage, string.Create(CultureInfo.InvariantCulture, $"{Name(advanced.Stage)}, {Math.Min(1, (double)advanced.Done / _units):P0}"));
                break;
            case TaskComputed:
                return;
            case StepMade when _services.Time.GetElapsedTime(Interlocked.Read(ref _lastStep)) < StepsEvery:
                return;
            case StepMade:
                Interlocked.Exchange(ref _lastStep, _services.Time.GetTimestamp());
                break;
        }

        _events.Add(runEvent);
    }

    /// <summary>Ends the hosting.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAny(_work, Task.Delay(Goodbye, _services.Time));
        if (_work.IsCompleted)
        {
            _stop.Dispose();
        }
    }

    private static string Name(Stage stage) => stage.ToString().ToLowerInvariant();

    private async Task RunAsync()
    {
        SessionFolders folders = new(_services.Folder);
        string folder = folders.Of(_name, Session);
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        Task watch = Task.CompletedTask;
        try
        {
            folders.RemoveBefore(Session);
            using PostgresJournal journal = await PostgresJournal.OpenAsync(_services.Runs, _name, _stop.Token);
            RunDescription run = new(_memory.Configuration, _memory.ConfigurationYaml);
            ComputeType compute = run.Read().Transformer.Compute;
            string fingerprint = HostedRun.FingerprintOf(journal) ?? await ChooseAsync(journal, compute);
            watch = new WorkerWatch(Dispatcher, _name, this, _services.Time).RunAsync(ended.Token);
            ClusterExecutor executor = new(Dispatcher, _name, compute, fingerprint, _services.Time, this);
            HostedRun hosted = new(run, journal, _services.Blobs, executor, folder, _services.Time);
            RunResults results = await hosted.ExecuteAsync(this, _stop.Token);
            await TellAsync("", results.ModelDigest);
        }
        catch (Exception exception) when (exception is OperationCanceledException or RunLostException)
        {
            // Told to stop, or taken over: the run is where its journal is, and somebody goes on from there.
            Volatile.Write(ref _stage, "ended here");
        }
        catch (Exception exception) when (exception is DatabaseAwayException || GrainFailures.IsPassing(exception) || IsOfThisSilo(exception))
        {
            // Begun again soon, and meanwhile the status says why.
            Volatile.Write(ref _stage, exception.Message);
        }
        catch (DiPaCoException exception)
        {
            await TellAsync(exception.Message, "");
        }
#pragma warning disable CA1031 // A bug must not leave a run waiting without a word, and must not end the silo with its other runs.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            await TellAsync($"A bug of dipaco: {exception}", "");
        }
        finally
        {
            await ended.CancelAsync();
            await watch;
            SessionFolders.Remove(folder);
        }
    }

    /// <summary>A full disk of this silo is no fault of the run, which another silo may host.</summary>
    private bool IsOfThisSilo(Exception exception) => exception is StorageException storage && storage.Path.StartsWith(_services.Folder, StringComparison.Ordinal);

    /// <summary>The first workers that are there decide how the run rounds.</summary>
    private async Task<string> ChooseAsync(PostgresJournal journal, ComputeType compute)
    {
        Volatile.Write(ref _stage, "waits for a worker");
        Observe(new RunNote("The run waits for a first worker, which decides how it rounds.", IsWarning: false));
        while (true)
        {
            try
            {
                if (await Dispatcher().NumericsAsync(compute).WaitAsync(_stop.Token) is { } choice)
                {
                    string fingerprint = _memory.Strict ? choice.Fingerprint : "";
                    await HostedRun.ChooseAsync(journal, choice.Device, fingerprint, _stop.Token);
                    return fingerprint;
                }
            }
            catch (Exception exception) when (GrainFailures.IsPassing(exception))
            {
                // Asked again.
            }

            await Task.Delay(Pause, _services.Time, _stop.Token);
        }
    }

    /// <summary>Tells the grain how it ended, as long as it takes: otherwise the whole recipe is walked again for nothing.</summary>
    private async Task TellAsync(string failure, string digest)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await _grains.GetGrain<IRunGrain>(_name).EndedAsync(_memory.Beginning, failure, digest);
                return;
            }
            catch (Exception exception) when (GrainFailures.IsPassing(exception))
            {
                await Task.Delay(Pause, _services.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private IDispatcherGrain Dispatcher() => _grains.GetGrain<IDispatcherGrain>(IDispatcherGrain.Key);
}
