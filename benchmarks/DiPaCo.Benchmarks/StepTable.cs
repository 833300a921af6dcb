using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Training.Benchmarking;

namespace DiPaCo.Benchmarks;

/// <summary>The training step's rate as a share of the rate of matrix products.</summary>
internal static class StepTable
{
    public static void Print(string[] args)
    {
        (string size, ComputeType type) = (Argument(args, 0, "small"), Enum.Parse<ComputeType>(Argument(args, 1, "bf16"), ignoreCase: true));
        (int sequences, int length, int pairs) = (int.Parse(Argument(args, 2, "16")), int.Parse(Argument(args, 3, "256")), int.Parse(Argument(args, 4, "6")));
        TransformerShape shape = size == "small" ? BenchmarkShapes.Small : BenchmarkShapes.Large;
        StepRatio ratio = StepBenchmark.Measure(shape, type, sequences, length, pairs);
        Console.WriteLine(
            $"{ratio.Parameters / 1e6:F1} M {ratio.Type} {sequences}x{length}: median {ratio.Ratio:F3}, best {ratio.Best:F3}, products {ratio.ProductRate / 1e9:F0} GFLOP/s");
    }

    private static string Argument(string[] args, int index, string otherwise) => args.Length > index ? args[index] : otherwise;
}
