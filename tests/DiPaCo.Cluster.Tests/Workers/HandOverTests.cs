using System.Collections.Immutable;
using DiPaCo.Cluster.Tests.Support;
using DiPaCo.Core;
using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Tests;
using Xunit;

namespace DiPaCo.Cluster.Tests.Workers;

/// <summary>Real workers on a real silo: who gets a task, how much of it, and who goes on with it.</summary>
public sealed class HandOverTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AWorkerThatLeaves_HandsOverWhatItHasMade_AndTheEndIsTheSame()
    {
        await using LabSilo silo = await LabSilo.StartAsync(Cancellation);
        StepList steps = new();
        Task<TaskResult> wanted = silo.Executor().ExecuteAsync(silo.Spec, silo.Lab.Store, steps, Cancellation);
        using CancellationTokenSource leave = new(), done = new();
        EventList first = new(), second = new();

        await RunAsync(silo, "leaving", first, step => (step.Done == 3 ? leave : null)?.Cancel(), null, leave.Token);
        Task staying = RunAsync(silo, "staying", second, null, null, done.Token);
        TaskResult result = await wanted;
        await done.CancelAsync();
        await staying;

        Assert.EndsWith("after 3 of 7 steps", Assert.Single(first.Of(WorkerEventKind.Dropped)), StringComparison.Ordinal);
        Assert.EndsWith("after 3 of 7 steps", Assert.Single(second.Of(WorkerEventKind.Leased)), StringComparison.Ordinal);
        await AssertWholeAsync(silo, result);
        Assert.Equal(Enumerable.Range(1, TrainingLab.Steps).Select(step => (long)step), steps.Done);
    }

    [Fact]
    public async Task AWorkerThatLeavesAtOnce_LeavesTheTaskAsItWas()
    {
        await using LabSilo silo = await LabSilo.StartAsync(Cancellation);
        Task<TaskResult> wanted = silo.Executor().ExecuteAsync(silo.Spec, silo.Lab.Store, null, Cancellation);
        using CancellationTokenSource leave = new(), done = new();
        EventList second = new();

        await RunAsync(silo, "leaving", new EventList(), _ => leave.Cancel(), null, leave.Token);
        Task staying = RunAsync(silo, "staying", second, null, null, done.Token);
        TaskResult result = await wanted;
        await done.CancelAsync();
        await staying;

        Assert.DoesNotContain("after", Assert.Single(second.Of(WorkerEventKind.Leased)), StringComparison.Ordinal);
        await AssertWholeAsync(silo, result);
    }

    [Fact]
    public async Task ASlowWorker_GetsAPartOfTheSteps_AndMakesNoMore()
    {
        await using LabSilo silo = await LabSilo.StartAsync(Cancellation);
        await MeasureAsync(silo, "fast", 3, TimeSpan.FromTicks(10));
        await MeasureAsync(silo, "slow", 1, TimeSpan.Zero);
        Assert.True((await silo.StatusOfAsync("slow")).IsSlow);

        // More tasks than faster workers: otherwise they are better left to those.
        ClusterExecutor executor = silo.Executor();
        Task<TaskResult>[] wanted = [.. Enumerable.Range(0, 3).Select(path => executor.ExecuteAsync(silo.PathOf(path), silo.Lab.Store, null, Cancellation))];
        await OrderedAsync(silo, wanted.Length);

        using CancellationTokenSource leave = new(), done = new();
        EventList slow = new(), fast = new();
        await RunAsync(silo, "slow", slow, null, leave.Cancel, leave.Token);
        Task staying = RunAsync(silo, "fast", fast, null, null, done.Token);
        TaskResult[] results = await Task.WhenAll(wanted);
        await done.CancelAsync();
        await staying;

        Assert.EndsWith("after 2 of 7 steps", slow.Of(WorkerEventKind.Dropped).First(), StringComparison.Ordinal);
        Assert.Contains(fast.Of(WorkerEventKind.Leased), text => text.EndsWith("after 2 of 7 steps", StringComparison.Ordinal));
        for (int path = 0; path < results.Length; path++)
        {
            await AssertWholeAsync(silo, results[path], path);
        }
    }

    [Fact]
    public async Task SomethingUnforeseen_IsGivenBackWithItsReason_AndTheWorkerGoesOn()
    {
        await using LabSilo silo = await LabSilo.StartAsync(Cancellation);
        Task<TaskResult> wanted = silo.Executor().ExecuteAsync(silo.Spec, silo.Lab.Store, null, Cancellation);
        using CancellationTokenSource done = new();
        EventList events = new();
        int attempts = 0;
        Task working = RunAsync(
            silo, "w", events, step => _ = step.Done == 2 && Interlocked.Increment(ref attempts) == 1 ? throw new InvalidOperationException("nobody has thought of this") : step, null, done.Token);

        TaskResult result = await wanted;
        await done.CancelAsync();
        await working;

        Assert.Contains("nobody has thought of this", Assert.Single(events.Of(WorkerEventKind.Dropped)), StringComparison.Ordinal);
        await AssertWholeAsync(silo, result);
    }

    [Fact]
    public async Task ARunThatWantsTheTaskOfAnother_GetsIt_AlsoWhenThatOneIsPaused()
    {
        await using LabSilo silo = await LabSilo.StartAsync(Cancellation);
        using CancellationTokenSource pausedEnds = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        Task<TaskResult> paused = silo.Executor("first").ExecuteAsync(silo.Spec, silo.Lab.Store, null, pausedEnds.Token);
        await OrderedAsync(silo, 1);

        await silo.Dispatcher.StandAsync("first", 1, RunDemand.Paused);
        Task<TaskResult> wanted = silo.Executor("second").ExecuteAsync(silo.Spec, silo.Lab.Store, null, Cancellation);
        using CancellationTokenSource done = new();
        Task working = RunAsync(silo, "w", new EventList(), null, null, done.Token);

        await AssertWholeAsync(silo, await wanted);
        await AssertWholeAsync(silo, await paused);
        await done.CancelAsync();
        await working;
    }

    [Fact]
    public async Task AWorkerWithTooLittleMemory_DoesNotGetTheTask_AndTheStatusSaysWhy()
    {
        await using LabSilo silo = await LabSilo.StartAsync(Cancellation);
        TaskDemands demands = TaskDemands.Of(silo.Spec);
        await silo.Link.RegisterAsync(LabSilo.Offer("small", demands.MemoryBytes - 1), Cancellation);
        using CancellationTokenSource enough = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        Task<LeaseOutcome> small = silo.Link.LeaseAsync(new LeaseQuestion("small", 1, 1, []), enough.Token);
        Task<TaskResult> wanted = silo.Executor().ExecuteAsync(silo.Spec, silo.Lab.Store, null, Cancellation);
        TaskStatusLine? line;
        while ((line = (await silo.Dispatcher.StatusAsync()).Tasks.SingleOrDefault()) is null)
        {
            await Task.Yield();
        }

        Assert.Contains($"{demands.MemoryBytes:N0} bytes of memory", line.State, StringComparison.Ordinal);
        Assert.Contains("none of the 1", line.State, StringComparison.Ordinal);
        Assert.Equal("path 3, steps 3 to 9", line.What);
        await silo.Link.RegisterAsync(LabSilo.Offer("large", demands.MemoryBytes), Cancellation);
        LeasedTask leased = await silo.LeaseAsync("large", 1, Cancellation);
        Assert.Equal(0, (await silo.StatusOfAsync("large")).TokensPerSecond);
        StepReport step = new(1, 7, new TrainingReport(1, 1e-3, 1, 500, 1e6, TimeSpan.FromSeconds(0.25), TimeSpan.Zero));
        await silo.Link.HeartbeatAsync(new HeartbeatNote("large", 1, leased.Lease, leased.Key, 0.3, TimeSpan.FromSeconds(1), new StepBatch(0, [step, step with { Done = 2 }])), Cancellation);
        Assert.Equal(2000, (await silo.StatusOfAsync("large")).TokensPerSecond);
        await silo.DeliverAsync("large", leased, await silo.ComputeAsync(silo.Spec, Cancellation), Cancellation);
        await wanted;
        Assert.False(small.IsCompleted);
        await enough.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => small);
    }

    [Fact]
    public async Task OnceATaskWasMeasured_TheNextIsExpectedToTakeAsLong()
    {
        await using LabSilo silo = await LabSilo.StartAsync(Cancellation);
        await MeasureAsync(silo, "w", 1, TimeSpan.FromTicks(1000));
        Task<TaskResult> wanted = silo.Executor().ExecuteAsync(silo.PathOf(0), silo.Lab.Store, null, Cancellation);

        LeasedTask leased = await silo.LeaseAsync("w", 2, Cancellation);
        await silo.DeliverAsync("w", leased, await silo.ComputeAsync(silo.PathOf(0), Cancellation), Cancellation);
        await wanted;

        Assert.InRange(leased.Expected, TimeSpan.FromTicks(999), TimeSpan.FromTicks(1001));
    }

    /// <summary>A worker has completed tasks at some rate.</summary>
    private static async Task MeasureAsync(LabSilo silo, string worker, int tasks, TimeSpan elapsed)
    {
        await silo.Link.RegisterAsync(LabSilo.Offer(worker), Cancellation);
        for (int i = 0; i < tasks; i++)
        {
            TrainSpec spec = silo.PathOf(100 + i + (10 * worker.Length));
            TaskResult result = await silo.ComputeAsync(spec, Cancellation);
            Task<TaskResult> wanted = silo.Executor().ExecuteAsync(spec, silo.Lab.Store, null, Cancellation);
            LeasedTask leased = await silo.LeaseAsync(worker, i + 1, Cancellation);
            TaskDelivery delivery = new(
                result.Outputs.ToImmutableSortedDictionary(output => output.Key, output => output.Value.Hex, StringComparer.Ordinal), result.Metrics, elapsed, StepBatch.None);
            await silo.Link.CompleteAsync(worker, 1, leased.Lease, leased.Key, delivery, Cancellation);
            await wanted;
            await silo.Executor().RecordedAsync(spec.Key());
        }
    }

    private static async Task RunAsync(
        LabSilo silo, string name, EventList events, Action<TaskStep>? stepped, Action? through, CancellationToken leave)
    {
        using LocalExecutor executor = TrainingLab.NewWorker();
        using WorkerAgent agent = new(
            silo.Link, new WatchedExecutor(executor, stepped ?? (_ => { })), new SharedBlobs(silo.Lab.Store), LabSilo.Offer(name) with { Incarnation = 2 },
            new WorkerOptions { Slots = 1 }, through is null ? events : new Acting(events, through), TimeProvider.System);
        await agent.RunAsync(leave);
    }

    private static async Task OrderedAsync(LabSilo silo, int tasks)
    {
        while ((await silo.Dispatcher.StatusAsync()).Tasks.Length < tasks)
        {
            await Task.Yield();
        }
    }

    private static async Task AssertWholeAsync(LabSilo silo, TaskResult result, int? path = null)
    {
        TaskResult whole = await silo.ComputeAsync(path is { } order ? silo.PathOf(order) : silo.Spec, Cancellation);
        Assert.Equal<IEnumerable<KeyValuePair<string, BlobHash>>>(whole.Outputs, result.Outputs);
        Assert.Equal(whole.Metrics, result.Metrics);
    }

    private sealed class StepList : IProgress<TaskStep>
    {
        public List<long> Done { get; } = [];

        public void Report(TaskStep value) => Done.Add(value.Done);
    }

    /// <summary>Acts as soon as the worker is through with a task.</summary>
    private sealed class Acting(EventList events, Action through) : IWorkerObserver
    {
        public void Observe(WorkerEvent happened)
        {
            events.Observe(happened);
            if (happened.Kind is WorkerEventKind.Dropped or WorkerEventKind.Delivered)
            {
                through();
            }
        }
    }
}
