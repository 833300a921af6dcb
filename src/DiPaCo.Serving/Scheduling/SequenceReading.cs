namespace DiPaCo.Serving.Scheduling;

/// <summary>Reads the sequences of one request side by side.</summary>
internal static class SequenceReading
{
    /// <summary>Hands over the events of all sequences; where one fails, the others are not waited for.</summary>
    /// <param name="handles">The sequences.</param>
    /// <param name="take">Receives the number of a sequence and what happened to it.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async Task ReadAllAsync(
        IReadOnlyList<GenerationHandle> handles, Func<int, GenerationEvent, CancellationToken, ValueTask> take, CancellationToken cancellationToken)
    {
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAll(Enumerable.Range(0, handles.Count).Select(ReadAsync));

        async Task ReadAsync(int number)
        {
            try
            {
                await foreach (GenerationEvent happened in handles[number].ReadAsync(failed.Token))
                {
                    await take(number, happened, failed.Token);
                }
            }
            catch
            {
                await failed.CancelAsync();
                throw;
            }
        }
    }
}
