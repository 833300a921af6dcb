using System.Collections.Immutable;
using Orleans.Concurrency;

namespace DiPaCo.Cluster;

/// <summary>
/// The dispatcher: a thin shell around <see cref="TaskBook"/> that lets callers wait. Every call runs to its first wait without another in
/// between, so the book needs no lock.
/// </summary>
/// <param name="state">The epoch.</param>
/// <param name="options">The length of leases.</param>
/// <param name="time">The time.</param>
[Reentrant]
internal sealed class DispatcherGrain([PersistentState("dispatcher")] IPersistentState<DispatcherState> state, SiloOptions options, TimeProvider time)
    : Grain, IDispatcherGrain
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskBook? _book;

    private TaskBook Book => _book ?? throw new InvalidOperationException("The dispatcher is not active.");

    private DateTimeOffset Now => time.GetUtcNow();

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        state.State.Epoch++;
        await state.WriteStateAsync(cancellationToken);
        _book = new TaskBook(state.State.Epoch, options.Lease);
        this.RegisterGrainTimer(
            _ =>
            {
                if (Book.Tick(Now))
                {
                    Change();
                }

                return Task.CompletedTask;
            },
            new GrainTimerCreationOptions(TimeSpan.FromSeconds(0.25), TimeSpan.FromSeconds(0.25)) { Interleave = true, KeepAlive = true });
    }

    public Task<Registration> RegisterAsync(WorkerOffer offer)
    {
        if (offer.Version != WorkerVersion.Text)
        {
            throw new LinkException($"The silo has version '{WorkerVersion.Text}' and this worker '{offer.Version}'; use the same on all machines.", isFinal: true);
        }

        Book.Register(offer, Now);
        Change();
        return Task.FromResult(new Registration(Now, Book.Lease, Patience));
    }

    public async Task<LeaseOutcome> LeaseAsync(string worker, long incarnation, ImmutableArray<string> cached)
    {
        LeaseOutcome? outcome = null;
        await WaitUntilAsync(() => (outcome = Book.TryLease(worker, incarnation, cached, Now)) is not null);
        if (outcome?.Task is not null)
        {
            Change();
        }

        return outcome ?? new LeaseOutcome(null, Book.WaitingFor(worker, Now), UnknownWorker: false);
    }

    public Task<string> HeartbeatAsync(string worker, long incarnation, long lease, StepBatch progress)
    {
        string answer = Book.Heartbeat(worker, incarnation, lease, progress, Now);
        if (progress.Steps.Length > 0)
        {
            Change();
        }

        return Task.FromResult(answer);
    }

    public Task<DeliveryOutcome> CompleteAsync(string worker, long incarnation, long lease, string key, TaskDelivery delivery)
    {
        DeliveryOutcome outcome = Book.Complete(worker, lease, key, delivery, Now);
        Change();
        return Task.FromResult(outcome);
    }

    public Task GiveBackAsync(string worker, long incarnation, long lease, GivenBack reason)
    {
        Book.GiveBack(lease, reason, Now);
        Change();
        return Task.CompletedTask;
    }

    public Task OrderAsync(TaskOrder order)
    {
        Book.Order(order, Now);
        Change();
        return Task.CompletedTask;
    }

    public async Task<TaskNews> WatchAsync(string key, long nextStep)
    {
        await WaitUntilAsync(() => Book.HasNews(key, nextStep));
        return Book.Watch(key, nextStep);
    }

    public Task ForgetAsync(string run, string key)
    {
        Book.Forget(run, key);
        return Task.CompletedTask;
    }

    public Task<ClusterStatus> StatusAsync() => Task.FromResult(Book.Status(Now));

    private void Change()
    {
        TaskCompletionSource changed = _changed;
        _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        changed.SetResult();
    }

    private async Task WaitUntilAsync(Func<bool> holds)
    {
        long begun = time.GetTimestamp();
        while (!holds())
        {
            TimeSpan left = Patience - time.GetElapsedTime(begun);
            if (left <= TimeSpan.Zero)
            {
                return;
            }

            await _changed.Task.WaitAsync(left, time).ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
