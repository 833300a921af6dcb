using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Serving.Inference;
using DiPaCo.Serving.Models;
using DiPaCo.Serving.Sampling;
using DiPaCo.Serving.Scheduling;
using DiPaCo.Serving.Tests.Http;
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

    [Theory]
    [InlineData("beginning", typeof(ArgumentOutOfRangeException))]
    [InlineData("planning", typeof(KeyNotFoundException))]
    [InlineData("drawing", typeof(IndexOutOfRangeException))]
    public async Task ASequenceThatFailsEndsAloneAndTheEngineGoesOn(string failing, Type expected)
    {
        await using ServedEngine engine = await OpenAsync(new EngineOptions { Threads = 1, CacheBytes = 64 << 20 });
        GenerationRequest request = Request(engine, 0);
        using GenerationHandle wrong = engine.Engine.TrySubmit(failing switch
        {
            "beginning" => request with { Hidden = 99 },
            "planning" => request with { Path = new PathId(99) },
            _ => request with { Sampling = request.Sampling with { LogitBias = request.Sampling.LogitBias.Add(1 << 20, 1) } },
        })!;
        using GenerationHandle right = engine.Engine.TrySubmit(Request(engine, 1))!;
        await Assert.ThrowsAsync(expected, () => TokensAsync(wrong));
        Assert.Equal(Written, (await TokensAsync(right)).Length);
        await ServedRun.EventuallyAsync(() => engine.Engine.Counters is { Active: 0, PagesReserved: 0, Finished: 2 });
        Assert.Null(engine.Engine.Failure);
    }

    [Fact]
    public async Task WhoLeavesTheLineFreesHisPlaceAtOnceWhoeverStandsBeforeHim()
    {
        await using ServedEngine engine = await OpenAsync(new EngineOptions { Threads = 1, CacheBytes = 64 << 20, MaxSequences = 1, MaxQueue = 2 }, RoomForOne());
        LiveModel model = engine.Source.Current;
        using ModuleLease held = await model.AcquireAsync(model.Grid.ModulesOf(new PathId(3)), TestContext.Current.CancellationToken);
        using GenerationHandle active = engine.Engine.TrySubmit(Request(engine, 0) with { Path = new PathId(0) })!;
        await ServedRun.EventuallyAsync(() => engine.Engine.Counters.Active == 1);
        using GenerationHandle first = engine.Engine.TrySubmit(Request(engine, 1))!;
        GenerationHandle second = engine.Engine.TrySubmit(Request(engine, 2))!;
        Assert.Null(engine.Engine.TrySubmit(Request(engine, 3)));
        second.Dispose();
        Assert.Equal((1, 1), (engine.Engine.Counters.Waiting, engine.Engine.Counters.Cancelled));
        using GenerationHandle? third = engine.Engine.TrySubmit(Request(engine, 3));
        Assert.NotNull(third);
        Assert.Null(engine.Engine.TrySubmit([Request(engine, 4)]));
    }

    [Fact]
    public async Task SequencesOfOneRequestAreTakenTogetherOrNotAtAll()
    {
        await using ServedEngine engine = await OpenAsync(new EngineOptions { Threads = 1, CacheBytes = 64 << 20, MaxSequences = 1, MaxQueue = 3 }, RoomForOne());
        LiveModel model = engine.Source.Current;
        using ModuleLease held = await model.AcquireAsync(model.Grid.ModulesOf(new PathId(3)), TestContext.Current.CancellationToken);
        using GenerationHandle active = engine.Engine.TrySubmit(Request(engine, 0) with { Path = new PathId(0) })!;
        await ServedRun.EventuallyAsync(() => engine.Engine.Counters.Active == 1);
        Assert.Null(engine.Engine.TrySubmit([.. Enumerable.Range(1, 4).Select(number => Request(engine, number))]));
        Assert.Equal((0, 4), (engine.Engine.Counters.Waiting, engine.Engine.Counters.Rejected));
        IReadOnlyList<GenerationHandle>? together = engine.Engine.TrySubmit([.. Enumerable.Range(1, 3).Select(number => Request(engine, number))]);
        Assert.Equal(3, together!.Count);
        Assert.Equal(3, engine.Engine.Counters.Waiting);
    }

    [Fact]
    public async Task ATextWhoseNextPathHasNoFilesAnyMoreStaysOnItsPathWhereANewerVersionIsThere()
    {
        ExportedModel model = await ExportedModel.OfAsync(run.Grid, run.NewPath());
        await using ServedEngine whole = await ServedEngine.OpenAsync(model.Folder, WeightType.Fp32, 1L << 30, new EngineOptions { Threads = 1 }, TestContext.Current.CancellationToken);
        int path = 0;
        while (!(await EventsAsync(whole, Rerouted(whole, path))).OfType<GenerationEvent.Rerouted>().Any())
        {
            path++;
        }

        string alone = TextOf(await EventsAsync(whole, Rerouted(whole, path) with { Reroute = null }));
        await using ServedEngine served = await ServedEngine.OpenAsync(model.Folder, WeightType.Fp32, 1L << 30, new EngineOptions { Threads = 1 }, TestContext.Current.CancellationToken);
        HashSet<BlobHash> own = [.. run.Grid.ModulesOf(new PathId(path)).Select(module => module.Blob)];
        model.Forget(run.Grid.Topology.Paths.SelectMany(other => run.Grid.ModulesOf(other)).Where(module => !own.Contains(module.Blob)));
        await Assert.ThrowsAsync<DiPaCoException>(() => EventsAsync(served, Rerouted(served, path)));
        GenerationEvent[] stayed = await EventsAsync(served, Rerouted(served, path) with { Newest = () => whole.Source.Current });
        Assert.Empty(stayed.OfType<GenerationEvent.Rerouted>());
        Assert.Equal(alone, TextOf(stayed));
    }

    [Fact(Timeout = 120_000)]
    public async Task WhereOneSequenceFailsTheOthersAreNotWaitedFor()
    {
        await using ServedEngine engine = await OpenAsync(new EngineOptions { Threads = 1, CacheBytes = 64 << 20 }, RoomForOne());
        LiveModel model = engine.Source.Current;
        using ModuleLease held = await model.AcquireAsync(model.Grid.ModulesOf(new PathId(3)), TestContext.Current.CancellationToken);
        GenerationRequest request = Request(engine, 0) with { Path = new PathId(3) };
        using GenerationHandle wrong = engine.Engine.TrySubmit(request with { Sampling = request.Sampling with { LogitBias = request.Sampling.LogitBias.Add(1 << 20, 1) } })!;
        await ServedRun.EventuallyAsync(() => engine.Engine.Counters.Finished == 1);
        using GenerationHandle waits = engine.Engine.TrySubmit(request with { Path = new PathId(0) })!;
        await Assert.ThrowsAsync<IndexOutOfRangeException>(() => SequenceReading.ReadAllAsync([waits, wrong], (_, _, _) => ValueTask.CompletedTask, TestContext.Current.CancellationToken));
        await ServedRun.EventuallyAsync(() => engine.Store.Waiting == 1);
    }

    private static GenerationRequest Rerouted(ServedEngine engine, int path) =>
        Request(engine, 0) with { Path = new PathId(path), MaxTokens = 30, Reroute = new RerouteOptions(4, ReroutingRouter.Prefix) };

    private static string TextOf(IEnumerable<GenerationEvent> events) => string.Concat(events.OfType<GenerationEvent.Token>().Select(token => token.Text));

    private static async Task<GenerationEvent[]> EventsAsync(ServedEngine engine, GenerationRequest request)
    {
        using GenerationHandle handle = engine.Engine.TrySubmit(request)!;
        List<GenerationEvent> events = [];
        await foreach (GenerationEvent happened in handle.ReadAsync(TestContext.Current.CancellationToken))
        {
            events.Add(happened);
        }

        return [.. events];
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

    private long RoomForOne() => run.Grid.Topology.Paths.Select(run.Grid.Topology.ModulesOf)
        .Append(ModelTopology.Dense(run.Grid.Description.Shape).Modules).Max(modules => modules.Sum(module => LoadedModule.BytesOf(module.Layout, WeightType.Fp32)));

    private Task<ServedEngine> OpenAsync(EngineOptions options, long weightBytes = 1L << 30) =>
        ServedEngine.OpenAsync(run.Folder, WeightType.Fp32, weightBytes, options, TestContext.Current.CancellationToken);

    private async Task<int[][]> WriteAsync(EngineOptions options)
    {
        await using ServedEngine engine = await ServedEngine.OpenAsync(run.Folder, null, 1L << 30, options, TestContext.Current.CancellationToken);
        GenerationHandle[] handles = [.. Enumerable.Range(0, 10).Select(number => engine.Engine.TrySubmit(Request(engine, number))!)];
        int[][] written = await Task.WhenAll(handles.Select(TokensAsync));
        Array.ForEach(handles, handle => handle.Dispose());
        return written;
    }
}
