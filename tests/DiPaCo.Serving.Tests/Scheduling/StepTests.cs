using DiPaCo.Serving.Models;
using DiPaCo.Serving.Sampling;
using DiPaCo.Serving.Scheduling;
using DiPaCo.Serving.Tests.Support;
using Xunit;

namespace DiPaCo.Serving.Tests.Scheduling;

/// <summary>How the rows of a step are divided.</summary>
public sealed class StepTests(TrainedRun run)
{
    private const int Written = 12;

    [Fact]
    public async Task MoreWritersThanAStepHasRowsAllWriteToTheEnd()
    {
        int[][] roomy = await WriteAsync(new EngineOptions { Threads = 1, CacheBytes = 64 << 20 });
        int[][] narrow = await WriteAsync(new EngineOptions { Threads = 1, CacheBytes = 64 << 20, MaxRows = 3, PromptRowsBesideWriters = 2 });
        Assert.All(narrow, tokens => Assert.Equal(Written, tokens.Length));
        Assert.Equal(roomy, narrow);
    }

    [Fact]
    public async Task WithoutAQueueAsManyAreTakenAsAreComputedSideBySide()
    {
        await using ServedEngine engine = await ServedEngine.OpenAsync(
            run.Folder, null, 1L << 30, new EngineOptions { Threads = 1, CacheBytes = 64 << 20, MaxSequences = 2, MaxQueue = 0 }, TestContext.Current.CancellationToken);
        using GenerationHandle? one = engine.Engine.TrySubmit(Request(engine, 0));
        Assert.NotNull(one);
        Assert.Equal(Written, (await TokensAsync(one)).Length);
    }

    private static GenerationRequest Request(ServedEngine engine, int number) => new()
    {
        Model = engine.Source.Current,
        Prompt = [.. Enumerable.Range(1 + number, 5 + (7 * (number % 4)))],
        MaxTokens = Written,
        Sampling = new SamplingOptions { Temperature = 0, LogitBias = System.Collections.Immutable.ImmutableSortedDictionary<int, double>.Empty.Add(engine.Source.Current.Tokenizer.EndOfText, -100) },
    };

    private static async Task<int[]> TokensAsync(GenerationHandle handle)
    {
        List<int> tokens = [];
        await foreach (GenerationEvent happened in handle.ReadAsync(TestContext.Current.CancellationToken))
        {
            if (happened is GenerationEvent.Token token)
            {
                tokens.Add(token.Score.Token);
            }
        }

        return [.. tokens];
    }

    private async Task<int[][]> WriteAsync(EngineOptions options)
    {
        await using ServedEngine engine = await ServedEngine.OpenAsync(run.Folder, null, 1L << 30, options, TestContext.Current.CancellationToken);
        GenerationHandle[] handles = [.. Enumerable.Range(0, 10).Select(number => engine.Engine.TrySubmit(Request(engine, number))!)];
        int[][] written = await Task.WhenAll(handles.Select(TokensAsync));
        Array.ForEach(handles, handle => handle.Dispose());
        return written;
    }
}
