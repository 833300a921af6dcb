using System.Collections.Concurrent;
using System.Collections.Immutable;
using DiPaCo.Cluster.Blobs;
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

    // Time between two questions for a task, at least.
    private static readonly TimeSpan ShortestQuestion = TimeSpan.FromSeconds(1);

    private const int FetchedAtOnce = 4;

    // Of the last steps of a task that was gone on with nobody can tell how long all of it takes.
    private const double MostStretch = 20;

    private readonly IWorkerLink _link;
    private readonly IDivisibleExecutor _executor;
    private readonly IWorkerBlobs _blobs;
    private readonly WorkerOffer _offer;
    private readonly WorkerOptions _options;
    private readonly IWorkerObserver _observer;
    private readonly TimeProvider _time;
    private readonly WorkerCheckpoints? _checkpoints;
    private readonly PatientCalls _calls;
    private readonly SemaphoreSlim _registering = new(1);
    private readonly ConcurrentDictionary<string, bool> _underWay = [];
    private volatile bool _isRegistered;

    /// <summary>Makes a worker; <see cref="RunAsync"/> starts it.</summary>
    /// <param name="link">The way to the dispatcher.</param>
    /// <param name="executor">Computes.</param>
    /// <param name="blobs">Hold inputs; what is put there the silo can read.</param>
    /// <param name="offer">Who it is and what it can do.</param>
    /// <param name="options">How it works.</param>
    /// <param name="observer">Watches.</param>
    /// <param name="time">For leases and pauses; reaches no result.</param>
    /// <param name="checkpoints">Keep the states of tasks for a worker that comes back; null: a task that it has begun then begins anew.</param>
    public WorkerAgent(
        IWorkerLink link, IDivisibleExecutor executor, IWorkerBlobs blobs, WorkerOffer offer, WorkerOptions options, IWorkerObserver observer, TimeProvider time,
        WorkerCheckpoints? checkpoints = null)
    {
        _checkpoints = checkpoints;
        _link = link;
        _executor = executor;
        _blobs = blobs;
        _offer = offer with { Slots = options.Slots };
        _options = options;
        _observer = observer;
        _time = time;
        _calls = new PatientCalls(options, observer, time);
    }

    /// <summary>
    /// Works until told to leave. Tasks that are not finished then are given back, with their state where enough is made of them, within
    /// <see cref="WorkerOptions.Grace"/>.
    /// </summary>
    /// <param name="leave">Told to leave.</param>
    /// <exception cref="DiPaCoException">The silo refuses this worker, or was out of reach for longer than <see cref="WorkerOptions.Patience"/>.</exception>
    public async Task RunAsync(CancellationToken leave)
    {
        using CancellationTokenSource grace = new(Timeout.InfiniteTimeSpan, _time);
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(leave);
        using CancellationTokenRegistration limit = leaving.Token.Register(() => grace.CancelAfter(_options.Grace));
        using SemaphoreSlim slots = new(_options.Slots);
        List<Task> running = [];
        try
        {
            await LeaseAsync(slots, running, leaving.Token, grace.Token);
        }
        catch (OperationCanceledException) when (leave.IsCancellationRequested)
        {
            // As told.
        }
        finally
        {
            await leaving.CancelAsync();
            await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await LeaveAsync();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _registering.Dispose();

    /// <summary>A silo that does not hear of it finds out by itself.</summary>
    private async Task LeaveAsync()
    {
        if (!_isRegistered)
        {
            return;
        }

        using CancellationTokenSource brief = new(TimeSpan.FromSeconds(2), _time);
        try
        {
            await _link.LeaveAsync(_offer.Worker, _offer.Incarnation, brief.Token);
        }
        catch (Exception exception) when (exception is LinkException or OperationCanceledException)
        {
            _observer.Observe(new WorkerEvent(WorkerEventKind.Unreachable, $"could not say goodbye: {exception.Message}"));
        }
    }

    /// <summary>One question at a time, whenever a slot is free.</summary>
    private async Task LeaseAsync(SemaphoreSlim slots, List<Task> running, CancellationToken leaving, CancellationToken grace)
    {
        string waitedFor = "";
        long number = 1;
        Task ready = Task.CompletedTask;
        while (true)
        {
            await slots.WaitAsync(leaving);

            // The next one is fetched while this one is computed, not before: whose inputs come first is computed first, and a task that a worker has come
            // back to would else stand behind one that is new.
            await ready.WaitAsync(leaving);
            foreach (Task done in running.Where(task => task.IsCompleted).ToArray())
            {
                running.Remove(done);
                // What a task does not survive, for example a refused token, the worker does not either.
                await done;
            }

            LeasedTask? leased = null;
            while (leased is null)
            {
                await RegisterAsync(leaving);
                long asked = _time.GetTimestamp();
                LeaseOutcome outcome = await _calls.CallAsync(
                    "ask for work",
                    () => _link.LeaseAsync(QuestionOf(number), leaving), leaving);
                leased = outcome.Task;
                if (outcome.UnknownWorker)
                {
                    Forget();
                }
                else if (leased is null)
                {
                    if (outcome.WaitingFor != waitedFor)
                    {
                        waitedFor = outcome.WaitingFor;
                        _observer.Observe(new WorkerEvent(WorkerEventKind.Waiting, waitedFor));
                    }

                    // A question usually waits for its answer there. Where it is answered at once, as to a quarantined worker, it waits here.
                    TimeSpan early = ShortestQuestion - _time.GetElapsedTime(asked);
                    await Task.Delay(early > TimeSpan.Zero ? early : TimeSpan.Zero, _time, leaving);
                }
            }

            number++;
            waitedFor = "";
            HeldTask held = new(leased, _time, leaving, grace);
            ready = held.Ready;
            _underWay[leased.Key] = true;
            running.Add(ComputeAsync(held, slots));
        }
    }

    private LeaseQuestion QuestionOf(long number) => new(_offer.Worker, _offer.Incarnation, number, [.. _blobs.Newest(LeaseQuestion.MostCached)])
    {
        // What is being computed now is not what it could come back to.
        Kept = [.. (_checkpoints?.Newest(LeaseQuestion.MostKept) ?? []).Where(key => !_underWay.ContainsKey(key))],
    };

    /// <summary>Whoever finds the registration missing makes it.</summary>
    private async Task RegisterAsync(CancellationToken cancellationToken)
    {
        await _registering.WaitAsync(cancellationToken);
        try
        {
            if (!_isRegistered)
            {
                await _calls.CallAsync(
                    "register",
                    async () =>
                    {
                        await _link.RegisterAsync(_offer, cancellationToken);
                        return true;
                    },
                    cancellationToken);
                _isRegistered = true;
                _observer.Observe(new WorkerEvent(WorkerEventKind.Registered, $"{_offer.Worker} on {_offer.Device}"));
            }
        }
        finally
        {
            _registering.Release();
        }
    }

    private void Forget() => _isRegistered = false;

    private async Task ComputeAsync(HeldTask held, SemaphoreSlim slots)
    {
        try
        {
            await ComputeAsync(held);
        }
        finally
        {
            held.BeReady();
            held.Dispose();
            _underWay.TryRemove(held.Task.Key, out _);
            slots.Release();
        }
    }

    private async Task ComputeAsync(HeldTask held)
    {
        InnerState[] states = StatesOf(held);
        _observer.Observe(new WorkerEvent(WorkerEventKind.Leased, held.Name + (states is [var from, ..] ? $" after {from.DoneSteps} of {from.Steps} steps" : "")));
        Task heartbeats = BeatAsync(held);
        try
        {
            (TaskPart part, TimeSpan elapsed) = await _blobs.UseAsync(store => ExecuteAsync(held, states, store), held.Ended);
            if (part.State is { } state)
            {
                if (await GiveBackAsync(held, new GivenBack(GiveBackReason.Leaving, $"after {state.DoneSteps} of {state.Steps} steps", HandOver.Of(state))))
                {
                    _checkpoints?.Forget(held.Key);
                }

                return;
            }

            DeliveryOutcome outcome = await DeliverAsync(held, part.Result!, elapsed);
            _checkpoints?.Forget(held.Key);
            bool taken = outcome.Verdict is CompletionVerdict.Taken or CompletionVerdict.Known;
            _observer.Observe(new WorkerEvent(
                taken ? WorkerEventKind.Delivered : WorkerEventKind.Dropped,
                taken ? $"{held.Name} in {elapsed.TotalSeconds:0.0} s" : $"{held.Name}: {outcome.Verdict}, {outcome.Reason}"));
        }
        catch (OperationCanceledException) when (held.WhyLost is { } reason)
        {
            _observer.Observe(new WorkerEvent(WorkerEventKind.Dropped, $"{held.Name}: {reason}"));
        }
        catch (OperationCanceledException)
        {
            await GiveBackAsync(held, new GivenBack(GiveBackReason.Leaving, ""));
        }
        catch (DiPaCoException exception) when (exception is not LinkException)
        {
            await GiveBackAsync(held, new GivenBack(ReasonOf(exception), exception.Message));
        }
        catch (Exception exception) when (exception is IOException or OutOfMemoryException or HttpRequestException or System.Runtime.InteropServices.ExternalException)
        {
            await GiveBackAsync(held, new GivenBack(GiveBackReason.Failed, exception.Message));
        }
#pragma warning disable CA1031 // A bug in one task must not end a worker without a word, and must not be met again at once by a worker that starts anew.
        catch (Exception exception) when (exception is not LinkException)
#pragma warning restore CA1031
        {
            await GiveBackAsync(held, new GivenBack(GiveBackReason.Unexpected, $"a bug of dipaco: {exception}"));
        }
        finally
        {
            await held.EndAsync();
            await heartbeats;
        }
    }

    /// <summary>What is wrong with this worker's disk or network is not wrong with the task.</summary>
    private static GiveBackReason ReasonOf(DiPaCoException exception) => exception switch
    {
        NonFiniteStepException => GiveBackReason.NonFinite,
        StorageException or MissingBlobException or DamagedBlobException or BlobMismatchException => GiveBackReason.Failed,
        BlobTransferException or TooManyUploadsException or RetryableBlobException => GiveBackReason.Failed,
        _ => GiveBackReason.Impossible,
    };

    /// <summary>Where a task may be gone on with: what this worker has kept, if it is farther, and what another one has handed over. The farther one first.</summary>
    private InnerState[] StatesOf(HeldTask held)
    {
        InnerState[] handed = held.Task.From is { } state ? [state.ToInnerState()] : [];
        return _checkpoints?.Find(held.Key) is { } kept && kept.DoneSteps > (held.Task.From?.DoneSteps ?? 0) ? [kept, .. handed] : handed;
    }

    /// <returns>What came of the task, and how long it takes from where the dispatcher believes it to have begun.</returns>
    private async Task<(TaskPart Part, TimeSpan Elapsed)> ExecuteAsync(HeldTask held, InnerState[] states, IBlobStore store)
    {
        LeasedTask leased = held.Task;
        TaskSpec spec = TaskSpecJson.Read(leased.Kind, leased.Spec, held.Key);
        InnerState? from = await FetchAsync(held, spec, spec is TrainSpec ? states : [], store);
        held.BeReady();
        long begun = _time.GetTimestamp();
        StepLimit limit = new() { Share = leased.Share, Stop = held.Stop, Checkpoints = _checkpoints?.Of(held.Key) };
        TaskPart part = await _executor.ExecuteAsync(spec, from, limit, store, held.Progress, held.Ended);
        TimeSpan measured = held.Progress.TimeOf(1 - held.StartFraction);
        double left = 1 - (from is { } state ? (double)state.DoneSteps / state.Steps : 0);
        double stretch = left > 0 ? Math.Min((1 - held.StartFraction) / left, MostStretch) : 1;
        return (part, measured > TimeSpan.Zero ? measured : _time.GetElapsedTime(begun) * stretch);
    }

    /// <summary>Brings what the task reads here, while another is computed.</summary>
    /// <returns>Where to go on; null: at the beginning, also where no state is to be had any more.</returns>
    private async Task<InnerState?> FetchAsync(HeldTask held, TaskSpec spec, InnerState[] states, IBlobStore store)
    {
        using var stopped = CancellationTokenSource.CreateLinkedTokenSource(held.Ended, held.Stop);
        ImmutableArray<BlobHash> shard = spec is TrainSpec train ? train.Shard : [];
        foreach (InnerState state in states)
        {
            try
            {
                await FetchAsync(state.Blobs.Values.Concat(shard));
                if (spec is TrainSpec { Codec: not null })
                {
                    // At its end the task encodes how far it came from its inputs.
                    await _blobs.BuildAsync(spec.Buildable, stopped.Token);
                }

                return state;
            }
            catch (DiPaCoException exception) when (ReasonOf(exception) == GiveBackReason.Failed)
            {
                // It costs time only: the task is the same from its beginning.
            }
        }

        await _blobs.BuildAsync(spec.Buildable, stopped.Token);
        await FetchAsync(spec.Inputs);
        return null;

        // A few at a time: on a slow network each of them waits longer for its first byte than a small one takes.
        Task FetchAsync(IEnumerable<BlobHash> blobs) => Parallel.ForEachAsync(
            blobs.Distinct(), new ParallelOptions { MaxDegreeOfParallelism = FetchedAtOnce, CancellationToken = stopped.Token },
            async (blob, cancellation) => await store.GetFileAsync(blob, cancellation));
    }

    /// <summary>A dispatcher that has just begun does not know the worker, nor perhaps that anybody wants the task: it is told again.</summary>
    private async Task<DeliveryOutcome> DeliverAsync(HeldTask held, TaskResult result, TimeSpan elapsed)
    {
        TaskDelivery delivery = new(
            result.Outputs.ToImmutableSortedDictionary(output => output.Key, output => output.Value.Hex, StringComparer.Ordinal), result.Metrics, elapsed, StepBatch.None);
        long? begun = null;
        while (true)
        {
            DeliveryOutcome outcome = await _calls.CallAsync(
                $"deliver {held.Name}",
                () => _link.CompleteAsync(
                    _offer.Worker, _offer.Incarnation, held.Lease, held.Task.Key, delivery with { Progress = held.Progress.Untold() }, held.Grace),
                held.Grace);
            if (outcome.Verdict == CompletionVerdict.Unknown)
            {
                begun ??= _time.GetTimestamp();
                Forget();
                await RegisterAsync(held.Grace);
            }
            else if (outcome.Verdict == CompletionVerdict.NotWanted && begun is { } since && _time.GetElapsedTime(since) < OrderPatience)
            {
                await Task.Delay(OrderPatience / 20, _time, held.Grace);
            }
            else
            {
                return outcome;
            }
        }
    }

    /// <summary>Keeps the lease until the task has ended.</summary>
    private async Task BeatAsync(HeldTask held)
    {
        using PeriodicTimer timer = new(held.Task.HeartbeatEvery, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(held.Ended))
            {
                StepBatch untold = held.Progress.Untold();
                HeartbeatOutcome outcome;
                try
                {
                    double done = held.Progress.DoneFraction;
                    HeartbeatNote note = new(
                        _offer.Worker, _offer.Incarnation, held.Lease, held.Task.Key, done, held.Progress.TimeOf(done - held.StartFraction), untold);
                    outcome = await _link.HeartbeatAsync(note, held.Ended);
                }
                catch (LinkException)
                {
                    // The next one may get through; if the lease ends meanwhile, the result is still welcome.
                    continue;
                }

                held.Progress.Told(untold);
                await held.HearAsync(outcome);
                if (outcome.Verdict == HeartbeatVerdict.Unknown)
                {
                    Forget();
                    await RegisterAsync(held.Ended);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The task has ended.
        }
    }

    /// <returns>Whether it was heard.</returns>
    private async Task<bool> GiveBackAsync(HeldTask held, GivenBack given)
    {
        _observer.Observe(new WorkerEvent(WorkerEventKind.Dropped, $"{held.Name}: {given.Reason}{(given.Message.Length > 0 ? $", {given.Message}" : "")}"));
        using CancellationTokenSource brief = new(TimeSpan.FromSeconds(2), _time);
        try
        {
            await _link.GiveBackAsync(
                _offer.Worker, _offer.Incarnation, held.Lease, held.Task.Key, given with { Progress = held.Progress.Untold() }, brief.Token);
            return true;
        }
        catch (Exception exception) when (exception is LinkException or OperationCanceledException)
        {
            // Then the lease runs out by itself.
            _observer.Observe(new WorkerEvent(WorkerEventKind.Unreachable, $"could not give {held.Name} back: {exception.Message}"));
            return false;
        }
    }
}
