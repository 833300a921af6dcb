using DiPaCo.Cluster.Tests.Support;
using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Tests;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace DiPaCo.Cluster.Tests.Workers;

/// <summary>What travels does not keep a worker from computing.</summary>
public sealed class OverlapTests
{
    [Fact]
    public async Task WhileATasksOutputsTravel_TheNextIsComputed()
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(2));
        await using LabSilo silo = await LabSilo.StartAsync(limit.Token);
        TaskCompletionSource open = new(), all = new();
        await using FarStore far = await FarStore.StartAsync(silo.Lab.Store, async context =>
        {
            if (!HttpMethods.IsGet(context.Request.Method))
            {
                await open.Task.WaitAsync(context.RequestAborted);
            }

            return false;
        }, limit.Token);
        ClusterExecutor executor = silo.Executor();
        Task<TaskResult>[] wanted = [.. Enumerable.Range(0, 2).Select(path => executor.ExecuteAsync(silo.PathOf(path), silo.Lab.Store, null, limit.Token))];
        int steps = 0;
        using CancellationTokenSource done = CancellationTokenSource.CreateLinkedTokenSource(limit.Token);
        using LocalExecutor local = TrainingLab.NewWorker();
        WatchedExecutor watched = new(local, _ =>
        {
            if (Interlocked.Increment(ref steps) == 2 * TrainingLab.Steps)
            {
                all.SetResult();
            }
        });
        using WorkerAgent agent = new(
            silo.Link, watched, new CachedBlobs(far.Store), LabSilo.Offer("w"), new WorkerOptions { Slots = 2 }, new EventList(), TimeProvider.System);
        Task working = agent.RunAsync(done.Token);

        await all.Task.WaitAsync(limit.Token);
        Assert.DoesNotContain(wanted, task => task.IsCompleted);
        open.SetResult();
        TaskResult[] results = await Task.WhenAll(wanted);
        await done.CancelAsync();
        await working;

        for (int path = 0; path < results.Length; path++)
        {
            TaskResult whole = await silo.ComputeAsync(silo.PathOf(path), limit.Token);
            Assert.Equal<IEnumerable<KeyValuePair<string, BlobHash>>>(whole.Outputs, results[path].Outputs);
        }
    }

    [Fact]
    public async Task TheNextTaskIsAskedFor_OnceEverythingOfTheFirstIsHere_SoThatItCannotOvertakeIt()
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(2));
        await using LabSilo silo = await LabSilo.StartAsync(limit.Token);
        TaskCompletionSource asked = new(), open = new();
        await using FarStore far = await FarStore.StartAsync(silo.Lab.Store, async context =>
        {
            if (HttpMethods.IsGet(context.Request.Method))
            {
                asked.TrySetResult();
                await open.Task.WaitAsync(context.RequestAborted);
            }

            return false;
        }, limit.Token);
        ClusterExecutor executor = silo.Executor();
        Task<TaskResult>[] wanted = [.. Enumerable.Range(0, 2).Select(path => executor.ExecuteAsync(silo.PathOf(path), silo.Lab.Store, null, limit.Token))];
        using CancellationTokenSource done = CancellationTokenSource.CreateLinkedTokenSource(limit.Token);
        EventList events = new();
        using LocalExecutor local = TrainingLab.NewWorker();
        using WorkerAgent agent = new(
            silo.Link, local, new CachedBlobs(far.Store), LabSilo.Offer("w"), new WorkerOptions { Slots = 2 }, events, TimeProvider.System);
        Task working = agent.RunAsync(done.Token);

        await asked.Task.WaitAsync(limit.Token);
        await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, limit.Token);
        Assert.Single(events.Of(WorkerEventKind.Leased));
        open.SetResult();
        await Task.WhenAll(wanted);
        await done.CancelAsync();
        await working;
        Assert.Equal(2, events.Of(WorkerEventKind.Leased).Count());
    }

    [Fact]
    public async Task OutputsThatCannotBeBroughtAway_AreNotDelivered()
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(2));
        await using LabSilo silo = await LabSilo.StartAsync(limit.Token);
        int refused = 0;
        await using FarStore far = await FarStore.StartAsync(silo.Lab.Store, context =>
        {
            if (HttpMethods.IsGet(context.Request.Method) || Interlocked.Increment(ref refused) > 1)
            {
                return Task.FromResult(false);
            }

            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return Task.FromResult(true);
        }, limit.Token);
        Task<TaskResult> wanted = silo.Executor().ExecuteAsync(silo.Spec, silo.Lab.Store, null, limit.Token);
        using CancellationTokenSource done = CancellationTokenSource.CreateLinkedTokenSource(limit.Token);
        EventList events = new();
        using LocalExecutor local = TrainingLab.NewWorker();
        using WorkerAgent agent = new(
            silo.Link, local, new CachedBlobs(far.Store), LabSilo.Offer("w"), new WorkerOptions(), events, TimeProvider.System);
        Task working = agent.RunAsync(done.Token);

        TaskResult result = await wanted;
        await done.CancelAsync();
        await working;

        Assert.Contains("Failed", Assert.Single(events.Of(WorkerEventKind.Dropped)), StringComparison.Ordinal);
        Assert.Single(events.Of(WorkerEventKind.Delivered));
        TaskResult whole = await silo.ComputeAsync(silo.Spec, limit.Token);
        Assert.Equal<IEnumerable<KeyValuePair<string, BlobHash>>>(whole.Outputs, result.Outputs);
    }
}
