using DiPaCo.Runtime.Storage;
using Xunit;

namespace DiPaCo.Runtime.Tests.Storage;

/// <summary>Work that nobody waits for has a thread of its own, which others go before.</summary>
public sealed class IdleSchedulerTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TasksRunInOrder_OnAThreadThatOthersGoBefore()
    {
        using IdleScheduler scheduler = new();
        List<int> order = [];
        Task<(int Thread, bool IsIdle)>[] tasks = [.. Enumerable.Range(0, 50).Select(i => Start(scheduler, () =>
        {
            order.Add(i);
            return (Environment.CurrentManagedThreadId, IdleScheduler.IsIdle());
        }))];

        (int Thread, bool IsIdle)[] ran = await Task.WhenAll(tasks);

        Assert.Equal(Enumerable.Range(0, 50), order);
        Assert.Single(ran.Select(one => one.Thread).Distinct());
        Assert.False(IdleScheduler.IsIdle());
        Assert.All(ran, one => Assert.Equal(OperatingSystem.IsLinux(), one.IsIdle));
    }

    [Fact]
    public async Task AFailureIsTheTasksOwn_AndTheNextOneRuns()
    {
        using IdleScheduler scheduler = new();
        Task<int> failing = Start<int>(scheduler, () => throw new InvalidOperationException("as it is meant to"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => failing);
        Assert.Equal(3, await Start(scheduler, () => 3));
    }

    [Fact]
    public async Task WhatWasGivenBeforeItsEnd_IsDone()
    {
        IdleScheduler scheduler = new();
        Task<int>[] tasks = [.. Enumerable.Range(0, 5).Select(i => Start(scheduler, () => i))];
        scheduler.Dispose();
        scheduler.Dispose();
        int[] done = await Task.WhenAll(tasks);
        Assert.Equal([0, 1, 2, 3, 4], done);
    }

    private static Task<T> Start<T>(IdleScheduler scheduler, Func<T> function) => scheduler.RunAsync(function, Cancellation);
}
