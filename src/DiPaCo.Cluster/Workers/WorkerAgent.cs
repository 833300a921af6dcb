using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Training;

namespace DiPaCo.Cluster;

/// <summary>
/// A worker: asks for tasks, computes them, delivers them. Holds nothing that is not in the blob store or can be computed again, so it may
/// be killed at any moment. Several tasks are held at once; the executor computes one, the others' blobs travel meanwhile.
/// </summary>
public sealed class WorkerAgent : IDisposable
{
    // How long runs may take to notice that the dispatcher has forgotten their tasks.
    private static readonly TimeSpan OrderPatience = TimeSpan.FromSeconds(10);

    private readonly IWorkerLink _link;
    private readonly ITaskExecutor _executor;
    private readonly IWorkerBlobs _blobs;
    private readonly WorkerOffer _offer;
    private readonly WorkerOptions _options;
    private readonly IWorkerObserver _observer;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _registering = new(1);
    private Registration? _registration;

    /// <summary>Makes a worker; <see cref="RunAsync"/> starts it.</summary>
    /// <param name="link">The way to the dispatcher.</param>
    /// <param name="executor">Computes.</param>
    /// <param name="blobs">Hold inputs; what is put there the silo can read.</param>
    /// <param name="offer">Who it is and what it can do.</param>
    /// <param name="options">How it works.</param>
    /// <param name="observer">Watches.</param>
    /// <param name="time">For leases and pauses; reaches no result.</param>
    public WorkerAgent(
        IWorkerLink link, ITaskExecutor executor, IWorkerBlobs blobs, WorkerOffer offer, WorkerOptions options, IWorkerObserver observer, TimeProvider time)
    {
        _link = link;
        _executor = executor;
        _blobs = blobs;
        _offer = offer with { Slots = options.Slots };
        _options = options;
        _observer = observer;
        _time = time;
    }

    /// <summary>Works until told to leave; tasks that are not finished then are given back.</summary>
    /// <param name="leave">Told to leave.</param>
    /// <exception cref="DiPaCoException">The silo refuses this worker, or was out of reach for longer than <see cref="WorkerOptions.Patience"/>.</exception>
    public async Task RunAsync(CancellationToken leave)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(leave);
        using SemaphoreSlim slots = new(_options.Slots);
        List<Task> running = [];
        try
        {
            await LeaseAsync(slots, running, ended.Token);
        }
        catch (OperationCanceledException) when (leave.IsCancellationRequested)
        {
            // As told.
        }
        finally
        {
            await ended.CancelAsync();
            await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _registering.Dispose();

    /// <summary>One question at a time, whenever a slot is free.</summary>
    private async Task LeaseAsync(SemaphoreSlim slots, List<Task> running, CancellationToken leave)
    {
        string waitedFor = "";
        long number = 1;
        while (true)
        {
            await slots.WaitAsync(leave);
            foreach (Task done in running.Where(task => task.IsCompleted).ToArray())
            {
                running.Remove(done);
                // What a task does not survive, for example a refused token, the worker does not either.
                await done;
            }

            LeasedTask? leased = null;
            while (leased is null)
            {
                await RegisterAsync(leave);
                LeaseOutcome outcome = await CallAsync(
                    "ask for work", () => _link.LeaseAsync(_offer.Worker, _offer.Incarnation, number, _blobs.Newest(IWorkerLink.MostCached), leave), leave);
                leased = outcome.Task;
                if (outcome.UnknownWorker)
                {
                    Forget();
                }
                else if (leased is null && outcome.WaitingFor != waitedFor)
                {
                    waitedFor = outcome.WaitingFor;
                    _observer.Observe(new WorkerEvent(WorkerEventKind.Waiting, waitedFor));
                }
            }

            number++;
            waitedFor = "";
            running.Add(ComputeAsync(leased, slots, leave));
        }
    }

    /// <summary>Whoever finds the registration missing makes it.</summary>
    private async Task RegisterAsync(CancellationToken leave)
    {
        await _registering.WaitAsync(leave);
        try
        {
            if (_registration is null)
            {
                _registration = await CallAsync("register", () => _link.RegisterAsync(_offer, leave), leave);
                TimeSpan off = _time.GetUtcNow() - _registration.Clock;
                _observer.Observe(new WorkerEvent(
                    WorkerEventKind.Registered,
                    $"{_offer.Worker} on {_offer.Device}{(off.Duration() > TimeSpan.FromMinutes(1) ? $"; this machine's clock is {off.TotalSeconds:0} s ahead of the silo's" : "")}"));
            }
        }
        finally
        {
            _registering.Release();
        }
    }

    private void Forget() => Interlocked.Exchange(ref _registration, null);

    private async Task ComputeAsync(LeasedTask leased, SemaphoreSlim slots, CancellationToken leave)
    {
        try
        {
            await ComputeAsync(leased, leave);
        }
        finally
        {
            slots.Release();
        }
    }

    private async Task ComputeAsync(LeasedTask leased, CancellationToken leave)
    {
        string name = $"{leased.Kind} {leased.Key[..8]} of {leased.Run}";
        _observer.Observe(new WorkerEvent(WorkerEventKind.Leased, name));
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(leave);
        ProgressBuffer progress = new();
        HeldTask held = new(leased, _time.GetTimestamp());
        Task<string> heartbeats = BeatAsync(held, progress, ended);
        try
        {
            TaskDelivery delivery = await _blobs.UseAsync(store => ExecuteAsync(leased, store, progress, ended.Token));
            DeliveryOutcome outcome = await DeliverAsync(held, name, delivery, progress, leave);
            bool taken = outcome.Verdict is CompletionVerdict.Taken or CompletionVerdict.Known;
            _observer.Observe(new WorkerEvent(
                taken ? WorkerEventKind.Delivered : WorkerEventKind.Dropped,
                taken ? $"{name} in {delivery.Elapsed.TotalSeconds:0.0} s" : $"{name}: {outcome.Verdict}, {outcome.Reason}"));
        }
        catch (OperationCanceledException) when (leave.IsCancellationRequested)
        {
            await GiveBackAsync(held, name, new GivenBack(GiveBackReason.Leaving, ""));
            throw;
        }
        catch (OperationCanceledException)
        {
            _observer.Observe(new WorkerEvent(WorkerEventKind.Dropped, $"{name}: {await heartbeats}"));
        }
        catch (DiPaCoException exception)
        {
            GiveBackReason reason = exception switch
            {
                NonFiniteStepException => GiveBackReason.NonFinite,
                StorageException => GiveBackReason.Failed,
                _ => GiveBackReason.Impossible,
            };
            await GiveBackAsync(held, name, new GivenBack(reason, exception.Message));
        }
        catch (Exception exception) when (exception is IOException or OutOfMemoryException or HttpRequestException or System.Runtime.InteropServices.ExternalException)
        {
            await GiveBackAsync(held, name, new GivenBack(GiveBackReason.Failed, exception.Message));
        }
        finally
        {
            await ended.CancelAsync();
            await heartbeats;
        }
    }

    private async Task<TaskDelivery> ExecuteAsync(LeasedTask leased, IBlobStore store, ProgressBuffer progress, CancellationToken cancellationToken)
    {
        TaskSpec spec = TaskSpecJson.Read(leased.Kind, leased.Spec, new TaskKey(leased.Key));
        foreach (BlobHash input in spec.Inputs.Distinct())
        {
            await store.GetFileAsync(input, cancellationToken);
        }

        long begun = _time.GetTimestamp();
        TaskResult result = await _executor.ExecuteAsync(spec, store, progress, cancellationToken);
        return new TaskDelivery(
            result.Outputs.ToImmutableSortedDictionary(output => output.Key, output => output.Value.Hex, StringComparer.Ordinal),
            result.Metrics, _time.GetElapsedTime(begun), StepBatch.None);
    }

    /// <summary>A dispatcher that has just begun does not know the worker, nor perhaps that anybody wants the task: it is told again.</summary>
    private async Task<DeliveryOutcome> DeliverAsync(HeldTask held, string name, TaskDelivery delivery, ProgressBuffer progress, CancellationToken leave)
    {
        long? begun = null;
        while (true)
        {
            DeliveryOutcome outcome = await CallAsync(
                $"deliver {name}",
                () => _link.CompleteAsync(_offer.Worker, _offer.Incarnation, held.Lease, held.Task.Key, delivery with { Progress = progress.Untold() }, leave),
                leave);
            if (outcome.Verdict == CompletionVerdict.Unknown)
            {
                begun ??= _time.GetTimestamp();
                Forget();
                await RegisterAsync(leave);
            }
            else if (outcome.Verdict == CompletionVerdict.NotWanted && begun is { } since && _time.GetElapsedTime(since) < OrderPatience)
            {
                await Task.Delay(OrderPatience / 20, _time, leave);
            }
            else
            {
                return outcome;
            }
        }
    }

    /// <summary>Keeps the lease until the task has ended; ends the task when the lease is lost, and says why.</summary>
    private async Task<string> BeatAsync(HeldTask held, ProgressBuffer progress, CancellationTokenSource ended)
    {
        using PeriodicTimer timer = new(held.Task.HeartbeatEvery, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(ended.Token))
            {
                StepBatch untold = progress.Untold();
                HeartbeatOutcome outcome;
                try
                {
                    HeartbeatNote note = new(
                        _offer.Worker, _offer.Incarnation, held.Lease, held.Task.Key, progress.DoneFraction, _time.GetElapsedTime(held.Begun), untold);
                    outcome = await _link.HeartbeatAsync(note, ended.Token);
                }
                catch (LinkException)
                {
                    // The next one may get through; if the lease ends meanwhile, the result is still welcome.
                    continue;
                }

                progress.Told(untold);
                held.Lease = outcome.Lease;
                if (outcome.Verdict == HeartbeatVerdict.Unknown)
                {
                    Forget();
                    await RegisterAsync(ended.Token);
                }
                else if (outcome.Verdict != HeartbeatVerdict.Continue)
                {
                    await ended.CancelAsync();
                    return outcome.Reason;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The task has ended.
        }

        return "";
    }

    private async Task GiveBackAsync(HeldTask held, string name, GivenBack reason)
    {
        _observer.Observe(new WorkerEvent(WorkerEventKind.Dropped, $"{name}: {reason.Reason}{(reason.Message.Length > 0 ? $", {reason.Message}" : "")}"));
        using CancellationTokenSource brief = new(TimeSpan.FromSeconds(2), _time);
        try
        {
            await _link.GiveBackAsync(_offer.Worker, _offer.Incarnation, held.Lease, held.Task.Key, reason, brief.Token);
        }
        catch (Exception exception) when (exception is LinkException or OperationCanceledException)
        {
            // Then the lease runs out by itself.
            _observer.Observe(new WorkerEvent(WorkerEventKind.Unreachable, $"could not give {name} back: {exception.Message}"));
        }
    }

    /// <summary>Calls until there is an answer, with pauses that grow.</summary>
    private async Task<T> CallAsync<T>(string what, Func<Task<T>> call, CancellationToken cancellationToken)
    {
        long since = _time.GetTimestamp();
        TimeSpan pause = TimeSpan.FromSeconds(0.1);
        while (true)
        {
            try
            {
                return await call();
            }
            catch (LinkException exception) when (!exception.IsFinal)
            {
                TimeSpan waited = _time.GetElapsedTime(since);
                if (waited > _options.Patience)
                {
                    throw new DiPaCoException($"Could not {what} for {waited.TotalMinutes:0} minutes: {exception.Message}", exception);
                }

                _observer.Observe(new WorkerEvent(WorkerEventKind.Unreachable, $"cannot {what} for {waited.TotalSeconds:0} s: {exception.Message}; next attempt in {pause.TotalSeconds:0.0} s"));
                await Task.Delay(pause, _time, cancellationToken);
                pause = TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, _options.LongestPause.Ticks));
            }
        }
    }

    /// <summary>A task and its lease, which may be replaced.</summary>
    private sealed class HeldTask(LeasedTask task, long begun)
    {
        public LeasedTask Task { get; } = task;

        public long Begun { get; } = begun;

        public long Lease { get; set; } = task.Lease;
    }
}
