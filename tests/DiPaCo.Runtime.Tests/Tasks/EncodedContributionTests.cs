using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model;
using DiPaCo.Model.SafeTensors;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Tests;
using DiPaCo.Training;
using DiPaCo.Training.Codecs;
using Xunit;

namespace DiPaCo.Runtime.Tests.Tasks;

/// <summary>Contributions that travel as encoded deltas.</summary>
public sealed class EncodedContributionTests : IDisposable
{
    private static readonly ImmutableArray<ModuleId> Both = [new ModuleId("lower"), new ModuleId("upper")];

    private readonly TrainingLab _lab = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _lab.Dispose();

    [Theory]
    [InlineData(DeltaCodec.Bf16, 1)]
    [InlineData(DeltaCodec.Int8, 1)]
    [InlineData(DeltaCodec.Int4, 0.5)]
    [InlineData(DeltaCodec.TopK, 1)]
    [InlineData(DeltaCodec.TopK, 0.25)]
    [InlineData(DeltaCodec.TopK, 0)]
    public async Task DeltaAndResidual_AreWhatThePathHasChanged_AndTheWeightedRestOfBefore(DeltaCodec codec, double feedback)
    {
        TrainSpec plain = await _lab.SpecAsync(ComputeType.Fp32, Cancellation);
        TrainSpec first = plain with { Codec = new ContributionCodec(codec, 0.1, feedback, Both) };
        (TaskResult exact, TaskResult coded) = (await RunAsync(plain), await RunAsync(first));
        // The same steps from the same parameters once more, with what the first time has left out.
        TrainSpec second = first with { Optimizer = coded[TrainSpec.OptimizerOutput] };
        (TaskResult exactAgain, TaskResult codedAgain) = (await RunAsync(second with { Codec = null }), await RunAsync(second));

        foreach (ModuleInput module in plain.Model.Modules)
        {
            ModuleLayout layout = ModuleLayout.Of(plain.Model.Shape, module.Parts);
            float[] start = await ReadAsync(module.Blob, layout);
            float[] before = new float[layout.Length];
            foreach ((TaskResult end, TaskResult encoded) in new[] { (exact, coded), (exactAgain, codedAgain) })
            {
                float[] theta = await ReadAsync(end[module.Id.Name], layout);
                float[] delta = await DecodeAsync(encoded[module.Id.Name], layout);
                float[] residual = await ResidualAsync(encoded, module.Id, layout);
                for (int i = 0; i < delta.Length; i++)
                {
                    double whole = (double)theta[i] - start[i] + (feedback * before[i]);
                    Assert.Equal(whole, (double)delta[i] + residual[i], 1e-7);
                }

                Assert.Contains(residual, value => value != 0);
                before = residual;
            }
        }

        TrainMetrics metrics = TrainMetrics.Of(coded);
        double bytes = plain.Model.Modules.Sum(module => ModuleLayout.Of(plain.Model.Shape, module.Parts).Length)
            * new OuterOptimizerOptions { Codec = codec, TopKFraction = 0.1 }.BitsPerElement() / 8;
        Assert.InRange(metrics.ContributionBytes / bytes, 1, 1.02);
        Assert.True(metrics.ContributionBytes < TrainMetrics.Of(exact).ContributionBytes);
        Assert.Equal(TrainMetrics.Of(exact), metrics with { ContributionBytes = TrainMetrics.Of(exact).ContributionBytes });
    }

    [Fact]
    public async Task AModuleThatIsNotEncoded_ComesAsItIs()
    {
        TrainSpec plain = await _lab.SpecAsync(ComputeType.Fp32, Cancellation);
        TaskResult exact = await RunAsync(plain);

        TaskResult coded = await RunAsync(plain with { Codec = new ContributionCodec(DeltaCodec.Int8, 0.1, 1, [new ModuleId("upper")]) });

        Assert.Equal(exact["lower"], coded["lower"]);
        Assert.NotEqual(exact["upper"], coded["upper"]);
    }

    [Fact]
    public async Task WhereverATaskIsCut_TheEncodedEndIsTheSame()
    {
        TrainSpec spec = await _lab.SpecAsync(ComputeType.Fp32, Cancellation);
        spec = spec with { Codec = new ContributionCodec(DeltaCodec.Int4, 0.1, 1, Both) };
        spec = spec with { Optimizer = (await RunAsync(spec))[TrainSpec.OptimizerOutput] };
        TaskResult whole = await RunAsync(spec);
        using LocalExecutor one = TrainingLab.NewWorker(), other = TrainingLab.NewWorker();

        TaskPart part = await one.ExecuteAsync(spec, null, new StepLimit { Share = 3.0 / TrainingLab.Steps }, _lab.Store, null, Cancellation);
        TaskPart rest = await other.ExecuteAsync(spec, part.State, StepLimit.None, _lab.Store, null, Cancellation);

        Assert.Equal(whole.Outputs, rest.Result!.Outputs);
        Assert.Equal(whole.Metrics, rest.Result.Metrics);
    }

    [Theory]
    [InlineData(DeltaCodec.Int8)]
    [InlineData(DeltaCodec.TopK)]
    public async Task TheOuterStep_IsThatOfTheDecodedDeltas(DeltaCodec codec)
    {
        TrainSpec plain = await _lab.SpecAsync(ComputeType.Fp32, Cancellation);
        TrainSpec spec = plain with { Codec = new ContributionCodec(codec, 0.1, 1, Both) };
        ModuleInput module = plain.Model.Modules[1];
        ModuleLayout layout = ModuleLayout.Of(plain.Model.Shape, module.Parts);
        (double Weight, BlobHash Blob)[] paths = [(0.25, (await RunAsync(spec))["upper"]), (0.75, (await RunAsync(spec with { Order = 4 }))["upper"])];
        OuterSpec outer = new(
            plain.Model.Shape, module, null,
            [.. paths.Select((path, i) => new Contribution(new PathId(i), path.Blob, path.Weight))], new OuterStepOptions(0.7, 0.9, 1)) { Encoded = true };

        TaskResult stepped = await RunAsync(outer);

        float[] theta = await ReadAsync(module.Blob, layout);
        float[] found = await ReadAsync(stepped[OuterSpec.ModuleOutput], layout);
        double[] mean = new double[layout.Length];
        foreach ((double weight, BlobHash blob) in paths)
        {
            float[] delta = await DecodeAsync(blob, layout);
            for (int i = 0; i < delta.Length; i++)
            {
                mean[i] += weight * delta[i];
            }
        }

        // m = Δ = −mean; θ − η (Δ + μ m).
        Assert.All(Enumerable.Range(0, mean.Length), i => Assert.Equal(theta[i] + (0.7 * 1.9 * mean[i]), found[i], 1e-6));
    }

    [Fact]
    public async Task ADamagedContribution_IsRefused()
    {
        TrainSpec plain = await _lab.SpecAsync(ComputeType.Fp32, Cancellation);
        BlobHash noDelta = await _lab.Store.PutAsync("no delta"u8.ToArray(), Cancellation);
        OuterSpec outer = new(
            plain.Model.Shape, plain.Model.Modules[1], null, [new Contribution(new PathId(0), noDelta, 1)], new OuterStepOptions(0.7, 0.9, 1)) { Encoded = true };

        await Assert.ThrowsAsync<DeltaFormatException>(() => RunAsync(outer));
    }

    private async Task<TaskResult> RunAsync(TaskSpec spec)
    {
        using LocalExecutor worker = TrainingLab.NewWorker();
        return await worker.ExecuteAsync(spec, _lab.Store, null, Cancellation);
    }

    private async Task<float[]> ReadAsync(BlobHash blob, ModuleLayout layout)
    {
        float[] flat = new float[layout.Length];
        ModuleFile.Read(await _lab.Store.GetFileAsync(blob, Cancellation), layout, flat);
        return flat;
    }

    private async Task<float[]> DecodeAsync(BlobHash blob, ModuleLayout layout)
    {
        using DeltaReader reader = new(await _lab.Store.OpenReadAsync(blob, Cancellation), layout.Length);
        float[] delta = new float[layout.Length];
        reader.Read(delta);
        return delta;
    }

    private async Task<float[]> ResidualAsync(TaskResult result, ModuleId module, ModuleLayout layout)
    {
        using SafeTensorsReader reader = SafeTensorsReader.Open(await _lab.Store.GetFileAsync(result[TrainSpec.OptimizerOutput], Cancellation));
        float[] residual = new float[layout.Length];
        reader.ReadPart(new TensorSpec($"{module.Name}.residual", TensorDType.F32, layout.Length), 0, residual);
        return residual;
    }
}
