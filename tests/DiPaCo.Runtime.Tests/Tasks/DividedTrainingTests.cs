using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Tests;
using Xunit;

namespace DiPaCo.Runtime.Tests.Tasks;

/// <summary>A training task that several workers make in parts is the task that one makes in one go, bytes and metrics.</summary>
public sealed class DividedTrainingTests : IDisposable
{
    private readonly TrainingLab _lab = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _lab.Dispose();

    [Theory]
    [InlineData(ComputeType.Fp32)]
    [InlineData(ComputeType.Bf16)]
    public async Task WhereverATaskIsCut_TheEndIsTheSame(ComputeType compute)
    {
        TrainSpec spec = await _lab.SpecAsync(compute, Cancellation);
        TaskResult whole = await WholeAsync(spec);

        foreach (int cut in new[] { 1, 3, TrainingLab.Steps - 1 })
        {
            InnerState state = (await PartAsync(spec, null, Upto(cut, TrainingLab.Steps))).State!;
            TaskPart rest = await PartAsync(spec, state, StepLimit.None);

            Assert.Equal((cut, TrainingLab.Steps), (state.DoneSteps, state.Steps));
            AssertSame(whole, rest.Result!);
        }
    }

    [Fact]
    public async Task AnotherWorkerForEveryStep_AndTheEndIsTheSame()
    {
        TrainSpec spec = await _lab.SpecAsync(ComputeType.Fp32, Cancellation);
        TaskPart part = new(null, null);
        for (int done = 0; done < TrainingLab.Steps; done++)
        {
            Assert.Null(part.Result);
            part = await PartAsync(spec, part.State, Upto(1, TrainingLab.Steps - done));
        }

        AssertSame(await WholeAsync(spec), part.Result!);
    }

    [Fact]
    public async Task AStop_SavesTheState_OnceEnoughIsMade()
    {
        TrainSpec spec = await _lab.SpecAsync(ComputeType.Fp32, Cancellation);
        using CancellationTokenSource early = new(), late = new();

        // 20 % of seven steps are one and a half.
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => PartAsync(spec, null, new StepLimit { Stop = early.Token }, StopAfter(early, 1)));
        TaskPart part = await PartAsync(spec, null, new StepLimit { Stop = late.Token }, StopAfter(late, 2));

        Assert.Equal(2, part.State!.DoneSteps);
        AssertSame(await WholeAsync(spec), (await PartAsync(spec, part.State, StepLimit.None)).Result!);
    }

    [Fact]
    public async Task AStopDuringTheLastStep_BringsTheResult()
    {
        TrainSpec spec = await _lab.SpecAsync(ComputeType.Fp32, Cancellation);
        using CancellationTokenSource stop = new();

        TaskPart part = await PartAsync(spec, null, new StepLimit { Stop = stop.Token }, StopAfter(stop, TrainingLab.Steps));

        AssertSame(await WholeAsync(spec), part.Result!);
    }

    [Fact]
    public async Task AStateThatCannotBeUsed_IsLeftAside()
    {
        TrainSpec spec = await _lab.SpecAsync(ComputeType.Fp32, Cancellation);
        TaskResult whole = await WholeAsync(spec);
        InnerState good = (await PartAsync(spec, null, Upto(3, TrainingLab.Steps))).State!;
        BlobHash infinite = await _lab.Store.PutAsync("not a module"u8.ToArray(), Cancellation);

        foreach (InnerState bad in new[]
        {
            good with { DoneSteps = 4 },
            good with { Steps = 9 },
            good with { Blobs = good.Blobs.Remove("upper") },
            good with { Blobs = good.Blobs.SetItem("upper", BlobHash.Of([1])) },
            good with { Blobs = good.Blobs.SetItem("lower", infinite) },
            good with { Blobs = good.Blobs.SetItem(TrainSpec.OptimizerOutput, good.Blobs["upper"]) },
            good with { Blobs = good.Blobs.SetItem("metrics", infinite) },
        })
        {
            AssertSame(whole, (await PartAsync(spec, bad, StepLimit.None)).Result!);
        }
    }

    [Fact]
    public async Task StatesThatAreKeptOnTheWay_ChangeNothing_AndEachLeadsToTheSameEnd()
    {
        TrainSpec spec = await _lab.SpecAsync(ComputeType.Bf16, Cancellation);
        TaskResult whole = await WholeAsync(spec);
        EveryStep kept = new(_lab.Store);

        AssertSame(whole, (await PartAsync(spec, null, new StepLimit { Checkpoints = kept })).Result!);

        Assert.Equal(Enumerable.Range(1, TrainingLab.Steps - 1).Select(step => (long)step), kept.States.Select(state => state.DoneSteps));
        foreach (InnerState state in kept.States)
        {
            AssertSame(whole, (await PartAsync(spec, state, StepLimit.None)).Result!);
        }
    }

    [Fact]
    public async Task AStateThatWasKept_DoesNotMakeAStopWorthSaving()
    {
        TrainSpec spec = await _lab.SpecAsync(ComputeType.Fp32, Cancellation);
        using CancellationTokenSource early = new(), late = new();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => PartAsync(spec, null, new StepLimit { Stop = early.Token, Checkpoints = new EveryStep(_lab.Store) }, StopAfter(early, 1)));
        TaskPart part = await PartAsync(spec, null, new StepLimit { Stop = late.Token, Checkpoints = new EveryStep(_lab.Store) }, StopAfter(late, 2));

        Assert.Equal(2, part.State!.DoneSteps);
    }

    private static StepLimit Upto(int steps, int left) => new() { Share = (double)steps / left };

    private static StoppingProgress StopAfter(CancellationTokenSource stop, int steps) => new(stop, steps);

    private async Task<TaskPart> PartAsync(TrainSpec spec, InnerState? from, StepLimit limit, StoppingProgress? progress = null)
    {
        using LocalExecutor worker = TrainingLab.NewWorker();
        return await worker.ExecuteAsync(spec, from, limit, _lab.Store, progress, Cancellation);
    }

    private async Task<TaskResult> WholeAsync(TrainSpec spec)
    {
        using LocalExecutor worker = TrainingLab.NewWorker();
        return await worker.ExecuteAsync(spec, _lab.Store, null, Cancellation);
    }

    private static void AssertSame(TaskResult expected, TaskResult found)
    {
        Assert.Equal<IEnumerable<KeyValuePair<string, BlobHash>>>(expected.Outputs, found.Outputs);
        Assert.Equal(expected.Metrics, found.Metrics);
    }

    private sealed class EveryStep(IBlobSink sink) : ITaskCheckpoints
    {
        public List<InnerState> States { get; } = [];

        public bool IsDue => true;

        public async Task KeepAsync(Func<IBlobSink, CancellationToken, Task<InnerState>> save, CancellationToken cancellationToken) =>
            States.Add(await save(sink, cancellationToken));
    }

    private sealed class StoppingProgress(CancellationTokenSource stop, int steps) : IProgress<TaskStep>
    {
        public void Report(TaskStep value)
        {
            if (value.Done == steps)
            {
                stop.Cancel();
            }
        }
    }
}
