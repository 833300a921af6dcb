using System.Diagnostics;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model;
using DiPaCo.Model.Kernels;
using DiPaCo.Model.Kernels.Cpu;
using DiPaCo.Training;
using DiPaCo.Training.Benchmarking;

namespace DiPaCo.Benchmarks;

/// <summary>Where a step's time goes: each kind of loop, and what is left for the matrix products.</summary>
internal static class StepProfile
{
    private const int Sequences = 16;
    private const int Length = 256;
    private const int Steps = 5;

    public static void Print()
    {
        foreach (ComputeType type in new[] { ComputeType.Bf16, ComputeType.Fp32 })
        {
            Print(BenchmarkShapes.Small, type);
            Print(BenchmarkShapes.Large, type);
        }
    }

    private static void Print(TransformerShape shape, ComputeType type)
    {
        (IKernels kernels, TimedKernels times) = TimedKernels.Around(CpuKernels.Create(shape, type));
        using PathModel model = new(
            shape, ModelTopology.Dense(shape).Modules, new ComputeOptions { Type = type }, kernels);
        using AdamW optimizer = new(model, new InnerOptimizerOptions { LearningRate = 1e-4, WarmupSteps = 0, BaseLearningRate = 1e-4, BaseWarmupSteps = 0 });
        model.Parameters.Initialize(seed: 1);
        RandomStream random = new(1, "profile");
        int[] tokens = [.. Enumerable.Range(0, Sequences * Length).Select(_ => random.NextInt32(shape.Vocabulary))];

        Dictionary<string, double> best = [];
        for (int step = 0; step <= Steps; step++)
        {
            times.Seconds.Clear();
            long start = Stopwatch.GetTimestamp();
            double loss = model.Accumulate(tokens, tokens, Length, 1.0 / tokens.Length) / tokens.Length;
            optimizer.Step(1e-4, loss);
            double total = Stopwatch.GetElapsedTime(start).TotalSeconds;
            times.Seconds["matrix products and the rest"] = total - times.Seconds.Values.Sum();
            if (step > 0 && (best.Count == 0 || total < best.Values.Sum()))
            {
                best = new(times.Seconds);
            }
        }

        double rate = GemmRate.Measure(type, 5);
        double ideal = tokens.Length * shape.TrainingFlopsPerToken(Length) / rate;
        double products = tokens.Length * 6.0 * shape.MatrixParameters / rate;
        Console.WriteLine($"{model.Parameters.Count / 1e6:F1} M {type}: {best.Values.Sum() * 1e3:F1} ms; at the full rate {ideal * 1e3:F1} ms, of which weights' products {products * 1e3:F1} ms");
        foreach ((string name, double seconds) in best.OrderByDescending(entry => entry.Value))
        {
            Console.WriteLine($"  {name,-30} {seconds * 1e3,8:F2} ms {100 * seconds / best.Values.Sum(),6:F1} %");
        }
    }
}
