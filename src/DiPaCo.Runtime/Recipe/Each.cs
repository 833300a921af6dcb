using System.Collections.Immutable;

namespace DiPaCo.Runtime.Recipe;

/// <summary>Several tasks that do not wait for each other.</summary>
internal static class Each
{
    /// <summary>
    /// Runs something for each of several items, at the same time or one after the other. The first failure ends the others.
    /// </summary>
    /// <param name="isParallel">Whether tasks that are asked for at the same time are computed at the same time.</param>
    /// <param name="items">The items.</param>
    /// <param name="run">What to run.</param>
    /// <param name="cancellationToken">Ends all of them.</param>
    /// <returns>The results in the order of the items.</returns>
    public static async Task<ImmutableArray<TResult>> RunAsync<TItem, TResult>(
        bool isParallel, IReadOnlyCollection<TItem> items, Func<TItem, CancellationToken, Task<TResult>> run, CancellationToken cancellationToken)
    {
        if (!isParallel)
        {
            ImmutableArray<TResult>.Builder results = ImmutableArray.CreateBuilder<TResult>(items.Count);
            foreach (TItem item in items)
            {
                results.Add(await run(item, cancellationToken));
            }

            return results.MoveToImmutable();
        }

        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        List<Task<TResult>> running = [.. items.Select(item => run(item, ended.Token))];
        Task<TResult>? failed = null;
        await foreach (Task<TResult> task in Task.WhenEach(running))
        {
            if (!task.IsCompletedSuccessfully && failed is null)
            {
                failed = task;
                await ended.CancelAsync();
            }
        }

        if (failed is not null)
        {
            await failed;
        }

        return [.. running.Select(task => task.Result)];
    }
}
