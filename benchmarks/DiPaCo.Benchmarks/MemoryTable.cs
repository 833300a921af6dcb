using System.Diagnostics;
using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Training;
using DiPaCo.Training.Benchmarking;
using TorchSharp;

namespace DiPaCo.Benchmarks;

/// <summary>
/// The process's memory while tasks train a path as in a run, each beginning with the blobs of the one before: the most that it ever holds
/// per parameter, loading and storing included, and whether it grows.
/// </summary>
internal static class MemoryTable
{
    // Few tokens a step: the question is what the parameters cost, not the activations.
    private const int Sequences = 2;
    private const int Length = 64;
    private const int StepsPerTask = 100;

    public static async Task PrintAsync(int steps)
    {
        TransformerShape shape = BenchmarkShapes.Large;
        using TemporaryStore temporary = new();
        using LocalExecutor executor = new(torch.CPU, Environment.ProcessorCount, TimeProvider.System);
        BlobHash shard = await temporary.Store.PutAsync(RandomDocuments.Chunk(shape.Vocabulary, documents: 200).WriteToAsync, CancellationToken.None);
        InitializeSpec initialize = new(BenchmarkShapes.Small with { Blocks = 1, Width = 64, Heads = 1, KeyValueHeads = 1 }, 1);
        await executor.ExecuteAsync(initialize, temporary.Store, null, CancellationToken.None);
        long before = Resident();

        initialize = new(shape, 1);
        TaskResult state = await executor.ExecuteAsync(initialize, temporary.Store, null, CancellationToken.None);
        BlobHash parameters = state[OuterSpec.ModuleOutput];
        ModuleId dense = new("dense");
        BlobHash? optimizer = null;
        long early = 0;
        long first = 0;
        for (int done = 0; done < steps; done += StepsPerTask)
        {
            TrainSpec spec = new()
            {
                Model = new PathInput(shape, ComputeType.Bf16, [new ModuleInput(dense, initialize.Parts, parameters)]),
                Optimizer = optimizer,
                Shard = [shard],
                Sequences = new SequenceInput(Length, 32, true, Sequences, 1),
                BatchSequences = Sequences,
                ScheduleStep = 0,
            FirstStep = done,
                Steps = StepsPerTask,
                Schedule = new LearningRateSchedule(1e-4, 10, steps, 0.1),
                AdamW = new AdamWOptions(),
                Seed = 1,
                Order = 0,
            };
            state = await executor.ExecuteAsync(spec, temporary.Store, null, CancellationToken.None);
            (parameters, optimizer) = (state[dense.Name], state[TrainSpec.OptimizerOutput]);
            (first, early) = done == 0 ? (Peak(), Resident()) : (first, early);
        }

        long count = ModelTopology.Dense(shape).Parameters;
        Console.WriteLine($"{count / 1e6:0.0} M parameters, bf16, {Sequences * Length} tokens a step, tasks of {StepsPerTask} steps: at most "
            + $"{Mebibytes(Peak() - before)} MiB beyond the process without the path ({(double)(Peak() - before) / count:0.0} bytes per parameter, activations included; "
            + $"{(double)(first - before) / count:0.0} in the first task); after {steps:N0} steps {Mebibytes(Resident() - early):+0;-0;0} MiB over those after {StepsPerTask}");
        PrintParts(shape);
    }

    /// <summary>What the buffers of such a step are by their sizes; what is left of the measured peak is libtorch's and .NET's own.</summary>
    private static void PrintParts(TransformerShape shape)
    {
        using PathModel model = new(shape, ModelTopology.Dense(shape).Modules, new ComputeOptions { Type = ComputeType.Bf16, MaxTokens = Sequences * Length });
        int[] tokens = [.. Enumerable.Range(0, Sequences * Length).Select(at => at % shape.Vocabulary)];
        model.Accumulate(tokens, tokens, Length, 1.0 / tokens.Length);
        long count = ModelTopology.Dense(shape).Parameters;
        long largest = ModelTopology.Dense(shape).Modules.SelectMany(module => module.Layout.Tensors).Max(tensor => tensor.Length);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"by their sizes: parameters, gradient, moments {Mebibytes(16 * count)} MiB, bf16 copy {Mebibytes(2 * count)}, activations {model.ActivationBytes / (double)(1 << 20):F1}, one weight gradient in bf16 {2 * largest / (double)(1 << 20):F1}"));
    }

    private static long Peak()
    {
        using Process process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }

    private static long Resident()
    {
        GC.Collect();
        using Process process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    private static long Mebibytes(long bytes) => bytes >> 20;
}
