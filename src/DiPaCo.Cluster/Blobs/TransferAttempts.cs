using DiPaCo.Core;

namespace DiPaCo.Cluster.Blobs;

/// <summary>Does an operation again until it succeeds, fails for good or its deadline is over; then says what it waited on.</summary>
/// <param name="options">Pauses and deadline.</param>
/// <param name="time">The clock.</param>
/// <param name="counts">Counts the repetitions.</param>
/// <param name="isRetryable">Whether a failure is one that another attempt may not meet.</param>
internal sealed class TransferAttempts(RemoteBlobOptions options, TimeProvider time, TransferCounts counts, Func<Exception, bool> isRetryable)
{
    private long _operations;

    /// <summary>Does an operation.</summary>
    /// <param name="what">A clause for messages, for example <c>download the blob … from '…'</c>.</param>
    /// <param name="attempt">One attempt; it tells its progress, and ends with the token there.</param>
    /// <param name="cancellationToken">Ends the operation.</param>
    /// <exception cref="BlobTransferException">The deadline is over.</exception>
    public async Task<T> RunAsync<T>(string what, Func<TransferProgress, Task<T>> attempt, CancellationToken cancellationToken)
    {
        var chance = new RandomStream(options.Seed, "blob-retry", Interlocked.Increment(ref _operations));
        TimeSpan pause = options.FirstPause;
        using var progress = new TransferProgress(options, time, cancellationToken);
        while (true)
        {
            Exception failure;
            try
            {
                return await attempt(progress);
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested && (progress.TimedOut || isRetryable(e)))
            {
                failure = e;
            }

            // Whoever gets on is not slowed down by what failed before.
            pause = progress.Moved ? options.FirstPause : pause;
            TimeSpan wait = pause * (0.5 + (0.5 * chance.NextDouble()));
            if (failure is RetryableBlobException { After: { } asked } && asked > wait)
            {
                wait = asked;
            }

            if (wait >= progress.Remaining)
            {
                throw new BlobTransferException(
                    $"Could not {what}: gave up after {progress}. The last attempt failed with: {Reason(progress, failure)} Check that the other end runs and that the network lets this machine through.",
                    failure);
            }

            await Task.Delay(wait, time, cancellationToken);
            pause = pause * 2 < options.LongestPause ? pause * 2 : options.LongestPause;
            counts.Retried();
            progress.Again();
        }
    }

    private string Reason(TransferProgress progress, Exception failure) =>
        !progress.TimedOut ? $"{failure.Message.TrimEnd('.')}."
        : progress.Remaining > TimeSpan.Zero ? $"no byte came for {options.StallTimeout}."
        : "no answer before the deadline.";
}
