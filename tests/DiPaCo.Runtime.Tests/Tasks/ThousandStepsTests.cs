using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Tests;
using TorchSharp;
using Xunit;

namespace DiPaCo.Runtime.Tests.Tasks;

/// <summary>A thousand steps in tasks that follow each other, as a worker makes them: nothing of one is left when the next begins.</summary>
[Collection(Alone)]
public sealed class ThousandStepsTests : IDisposable
{
    private const string Alone = "Counts what is alive in the whole process";
    private const int StepsOfATask = 100;
    private const long MostGrowth = 32L << 20;

    private readonly TrainingLab _lab = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _lab.Dispose();

    [Theory]
    [InlineData(ComputeType.Fp32)]
    [InlineData(ComputeType.Bf16)]
    public async Task TenTasks_LeaveNoTensorAndNoMemoryBehind(ComputeType compute)
    {
        using LocalExecutor worker = TrainingLab.NewWorker();
        TrainSpec spec = (await _lab.SpecAsync(compute, Cancellation)) with { Steps = StepsOfATask };
        spec = await NextAsync(worker, await NextAsync(worker, spec));
        (long tensors, long bytes) = Alive();

        for (int task = 0; task < 10; task++)
        {
            spec = await NextAsync(worker, spec);
        }

        (long after, long bytesAfter) = Alive();
        Assert.Equal(tensors, after);
        Assert.InRange(bytesAfter - bytes, long.MinValue, MostGrowth);
    }

    private async Task<TrainSpec> NextAsync(LocalExecutor worker, TrainSpec spec)
    {
        TaskResult trained = await worker.ExecuteAsync(spec, _lab.Store, null, Cancellation);
        return spec with
        {
            Model = spec.Model with { Modules = [.. spec.Model.Modules.Select(module => module with { Blob = trained[module.Id.Name] })] },
            Optimizer = trained[TrainSpec.OptimizerOutput],
            FirstStep = spec.FirstStep + spec.Steps,
            ScheduleStep = spec.ScheduleStep + spec.Steps,
        };
    }

    private static (long Tensors, long Bytes) Alive()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        return (torch.Tensor.TotalCount, Environment.WorkingSet);
    }

    /// <summary>Other tests would make tensors meanwhile.</summary>
    [CollectionDefinition(Alone, DisableParallelization = true)]
    public sealed class AloneCollection;
}
