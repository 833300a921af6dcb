using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime;
using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Training;

namespace DiPaCo.Cluster;

/// <summary>
/// Has the tasks of a run computed by the workers of a cluster. A dispatcher that was restarted and has forgotten a task is simply told again:
/// a task is a pure function, so ordering it twice is no harm.
/// </summary>
/// <param name="dispatcher">Finds the dispatcher.</param>
/// <param name="run">Name of the run.</param>
/// <param name="compute">The run's compute type: how a worker rounds in others is nothing to it.</param>
/// <param name="fingerprint">Numerics fingerprint that every worker must have; empty: any.</param>
/// <param name="time">For pauses.</param>
/// <param name="observer">Is told who has computed what; null: nobody.</param>
public sealed class ClusterExecutor(Func<IDispatcherGrain> dispatcher, string run, ComputeType compute, string fingerprint, TimeProvider time, IRunObserver? observer = null) : ITaskExecutor
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(0.5);

    private int _hasToldOfOthers;

    /// <inheritdoc/>
    public bool IsParallel => true;

    /// <inheritdoc/>
    public async Task<TaskResult> ExecuteAsync(TaskSpec spec, IBlobStore store, IProgress<TaskStep>? progress, CancellationToken cancellationToken)
    {
        string key = spec.Key().Hex;
        TaskOrder order = OrderOf(spec, key);
        bool isOrdered = false;
        long next = 0;
        int failures = 0;
        try
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (!isOrdered)
                {
                    // Before the first look: a task that is there may be another run's, which may pause it or lose its interest in it.
                    isOrdered = await OrderAsync(order, cancellationToken);
                    continue;
                }

                TaskNews? news = null;
                await TryAsync(async () => news = await dispatcher().WatchAsync(key, next, failures), cancellationToken);
                if (news is null)
                {
                    continue;
                }

                if (!news.IsKnown)
                {
                    isOrdered = false;
                    continue;
                }

                next = Tell(news.Steps, next, progress);
                if (news.Delivery is { } delivery)
                {
                    observer?.Observe(new TaskComputed(spec.Kind, key, news.Worker, NumericsFingerprint.For(news.Fingerprint, compute)));
                    return new TaskResult(
                        delivery.Outputs.ToImmutableSortedDictionary(output => output.Key, output => BlobHash.Parse(output.Value), StringComparer.Ordinal),
                        delivery.Metrics);
                }

                if (news.Failures > failures && news.Failure is null or { Reason: GiveBackReason.Failed })
                {
                    // A worker cannot repair what it cannot read.
                    failures = news.Failures;
                    await ThrowIfInputsAreLostAsync(spec, store, cancellationToken);
                }

                if (news.Failure is { } failure)
                {
                    throw failure.Reason == GiveBackReason.NonFinite ? new NonFiniteStepException(failure.Message) : new DiPaCoException(failure.Message);
                }
            }
        }
        catch
        {
            // Nobody waits for it any more, and a failure is told.
            await ForgetAsync(key);
            throw;
        }
    }

    /// <returns>Whether the dispatcher has the order; otherwise it is to be asked again, and some time has passed.</returns>
    private async Task<bool> OrderAsync(TaskOrder order, CancellationToken cancellationToken)
    {
        SubmitVerdict? verdict = null;
        await TryAsync(async () => verdict = await dispatcher().OrderAsync(order), cancellationToken);
        if (verdict is null or SubmitVerdict.Accepted)
        {
            return verdict is not null;
        }

        if (verdict == SubmitVerdict.OtherFingerprint && Interlocked.Exchange(ref _hasToldOfOthers, 1) == 0)
        {
            observer?.Observe(new RunNote($"Task {order.Key[..12]}… is being computed for another run by workers that round otherwise; this run waits until that is over.", IsWarning: true));
        }

        await Task.Delay(Pause, time, cancellationToken);
        return false;
    }

    /// <exception cref="MissingBlobException">An input is not there.</exception>
    /// <exception cref="DamagedBlobException">An input's bytes are others.</exception>
    private static async Task ThrowIfInputsAreLostAsync(TaskSpec spec, IBlobStore store, CancellationToken cancellationToken)
    {
        foreach (BlobHash input in spec.Inputs.Distinct())
        {
            if (await store.VerifyAsync(input, cancellationToken) is var condition && condition != BlobCondition.Intact)
            {
                throw condition == BlobCondition.Missing ? new MissingBlobException(input, "the run's store") : new DamagedBlobException("the run's store", input, default);
            }
        }
    }

    /// <inheritdoc/>
    public Task RecordedAsync(TaskKey key) => ForgetAsync(key.Hex);

    /// <summary>A dispatcher that cannot be reached now will not know the task when it is back.</summary>
    private Task ForgetAsync(string key) => TryAsync(() => dispatcher().ForgetAsync(run, key), CancellationToken.None);

    private TaskOrder OrderOf(TaskSpec spec, string key)
    {
        TaskDemands demands = TaskDemands.Of(spec);
        // A worker with the version before is nearly as good as one that has the input.
        IEnumerable<BlobHash> near = spec.Inputs.Concat(spec.Buildable.Select(module => module.Delta.Base)).Distinct();
        return new TaskOrder(
            run, key, spec.Kind, TaskSpecJson.Write(spec), [.. near.Select(input => input.Hex)],
            demands.MemoryBytes, demands.Flops, demands.Priority, fingerprint, demands.Divisible, demands.Beside);
    }

    private static long Tell(StepBatch steps, long next, IProgress<TaskStep>? progress)
    {
        for (int i = 0; i < steps.Steps.Length; i++)
        {
            if (steps.First + i >= next)
            {
                progress?.Report(steps.Steps[i].ToTaskStep());
            }
        }

        return Math.Max(next, steps.First + steps.Steps.Length);
    }

    /// <summary>The dispatcher may be moving from one silo to another; whoever needs its answer asks again.</summary>
    private async Task TryAsync(Func<Task> call, CancellationToken cancellationToken)
    {
        try
        {
            await call();
        }
        catch (Exception exception) when (GrainFailures.IsPassing(exception))
        {
            await Task.Delay(Pause, time, cancellationToken);
        }
    }
}
