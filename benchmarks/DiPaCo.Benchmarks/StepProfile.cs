using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model;
using DiPaCo.Model.Kernels;
using DiPaCo.Model.Kernels.Cpu;
using DiPaCo.Training;
using DiPaCo.Training.Benchmarking;
using TorchSharp;

namespace DiPaCo.Benchmarks;

/// <summary>Where a step's time goes: each kind of loop, and what is left for the matrix products.</summary>
internal static class StepProfile
{
    private const int Sequences = 16;
    private const int Length = 256;
    private const int Steps = 12;

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
        List<(string Name, double Seconds)> least = [];
        for (int step = 0; step <= Steps; step++)
        {
            times.Calls.Clear();
            double start = clock();
            double loss = model.Accumulate(tokens, tokens, Length, 1.0 / tokens.Length) / tokens.Length;
            optimizer.Step(1e-4, loss);
            List<(string Name, double Seconds)> sequence = Sequence(times, start, clock());
            least = step <= 1 ? sequence : [.. least.Zip(sequence, (a, b) => (a.Name, Math.Min(a.Seconds, b.Seconds)))];
        }

        Dictionary<string, double> best = least.GroupBy(entry => entry.Name).ToDictionary(group => group.Key, group => group.Sum(entry => entry.Seconds));
        using GemmRate product = new(type);
        double rate = Enumerable.Range(0, 10).Max(_ => product.Once(clock));
        double ideal = tokens.Length * shape.TrainingFlopsPerToken(Length) / rate;
        double products = tokens.Length * 6.0 * shape.MatrixParameters / rate;
        Console.WriteLine($"{model.Parameters.Count / 1e6:F1} M {type}: {best.Values.Sum() * 1e3:F1} ms; at the full rate {ideal * 1e3:F1} ms, of which weights' products {products * 1e3:F1} ms");
        foreach ((string name, double seconds) in best.OrderByDescending(entry => entry.Value))
        {
            string share = name.Split(' ') is [_, string size] && size.Split('x') is [string rows, string columns]
                ? $" {2.0 * tokens.Length * int.Parse(rows, System.Globalization.CultureInfo.InvariantCulture) * int.Parse(columns, System.Globalization.CultureInfo.InvariantCulture) * least.Count(entry => entry.Name == name) / rate / seconds * (rows == "4096" ? least.Count(entry => entry.Name == name) is int n ? 1.0 / n : 1 : 1),6:F3} of the full rate"
                : "";
            Console.WriteLine($"  {name,-30} {seconds * 1e3,8:F2} ms {100 * seconds / best.Values.Sum(),6:F1} %{share}");
        }
    }

    private static List<(string Name, double Seconds)> Sequence(TimedKernels times, double start, double end)
    {
        List<(string, double)> sequence = [];
        double last = start;
        foreach ((string name, double from, double to) in times.Calls)
        {
            sequence.Add(("products", from - last));
            sequence.Add((name, to - from));
            last = to;
        }

        sequence.Add(("products", end - last));
        return sequence;
    }
}
