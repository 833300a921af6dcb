using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model;
using DiPaCo.Model.Kernels;
using DiPaCo.Model.Kernels.Cpu;
using DiPaCo.Training;
using DiPaCo.Training.Benchmarking;
using TorchSharp;

namespace DiPaCo.Benchmarks;

/// <summary>Where a step's time goes: each kind of operation, and of products their share of the full rate.</summary>
internal static class StepProfile
{
    private const int Sequences = 16;
    private const int Length = 256;
    private const int Steps = 12;
    private const string Between = "between operations";

    public static void Print(string[] args)
    {
        // With one thread, its own clock does not count the time that other processes have.
        Func<double> clock = torch.get_num_threads() == 1 ? Clocks.Thread : Clocks.Wall;
        TransformerShape[] shapes = args switch
        {
            [] => [BenchmarkShapes.Small, BenchmarkShapes.Large],
            ["small", ..] => [BenchmarkShapes.Small],
            ["large", ..] => [BenchmarkShapes.Large],
            [string other, ..] => throw new ArgumentException($"'{other}' is no size. Expected small or large, then bf16 or fp32."),
        };
        ComputeType[] types = args is [_, string type, ..] ? [Enum.Parse<ComputeType>(type, ignoreCase: true)] : Enum.GetValues<ComputeType>();
        foreach (TransformerShape shape in shapes)
        {
            foreach (ComputeType each in types)
            {
                Print(shape, each, clock);
            }
        }
    }

    private static void Print(TransformerShape shape, ComputeType type, Func<double> clock)
    {
        (IKernels kernels, TimedKernels times) = TimedKernels.Around(CpuKernels.Create(shape, type), clock);
        using PathModel model = new(
            shape, ModelTopology.Dense(shape).Modules, new ComputeOptions { Type = type }, kernels);
        using AdamW optimizer = new(model, new AdamWOptions());
        model.Parameters.Initialize(seed: 1);
        RandomStream random = new(1, "profile");
        int[] tokens = [.. Enumerable.Range(0, Sequences * Length).Select(_ => random.NextInt32(shape.Vocabulary))];

        // A step is always the same sequence of operations. The least time of each place in it, over the steps, is what the
        // step takes where nothing else disturbs it.
        List<Place> least = [];
        for (int step = 0; step <= Steps; step++)
        {
            times.Calls.Clear();
            double start = clock();
            double loss = model.Accumulate(tokens, tokens, Length, 1.0 / tokens.Length) / tokens.Length;
            optimizer.Step(1e-4, loss);
            List<Place> sequence = Sequence(times, start, clock());
            least = step <= 1 ? sequence : [.. least.Zip(sequence, (a, b) => a with { Seconds = Math.Min(a.Seconds, b.Seconds) })];
        }

        Place[] best = [.. least.GroupBy(place => place.Name).Select(group => new Place(group.Key, group.Sum(place => place.Seconds), group.Sum(place => place.Flops))).OrderByDescending(place => place.Seconds)];
        double seconds = best.Sum(place => place.Seconds);
        using GemmRate product = new(type);
        double rate = Enumerable.Range(0, 10).Max(_ => product.Once(clock));
        double ideal = tokens.Length * shape.TrainingFlopsPerToken(Length) / rate;
        double products = tokens.Length * 6.0 * shape.MatrixParameters / rate;
        Console.WriteLine($"{model.Parameters.Count / 1e6:F1} M {type}: {seconds * 1e3:F1} ms; at the full rate {ideal * 1e3:F1} ms, of which weights' products {products * 1e3:F1} ms");
        foreach (Place place in best)
        {
            string share = place.Flops > 0 ? $" {place.Flops / place.Seconds / rate,6:F3} of the full rate" : "";
            Console.WriteLine($"  {place.Name,-30} {place.Seconds * 1e3,8:F2} ms {100 * place.Seconds / seconds,6:F1} %{share}");
        }
    }

    private static List<Place> Sequence(TimedKernels times, double start, double end)
    {
        List<Place> sequence = [];
        double last = start;
        foreach (TimedCall call in times.Calls)
        {
            sequence.Add(new Place(Between, call.Start - last, 0));
            sequence.Add(new Place(call.Name, call.End - call.Start, call.Flops));
            last = call.End;
        }

        sequence.Add(new Place(Between, end - last, 0));
        return sequence;
    }

    /// <summary>A place in a step, or several of the same name.</summary>
    private readonly record struct Place(string Name, double Seconds, double Flops);
}
