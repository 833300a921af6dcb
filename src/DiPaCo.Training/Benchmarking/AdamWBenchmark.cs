using System.Diagnostics;
using DiPaCo.Core;
using DiPaCo.Model;
using static TorchSharp.torch;

namespace DiPaCo.Training.Benchmarking;

/// <summary>The optimizer's step (gradient norm, clipping, update, bf16 copy) against a memory copy that moves the same bytes.</summary>
public static class AdamWBenchmark
{
    /// <summary>
    /// Bytes that a step moves per parameter: the norm reads the gradient (4); the update reads and writes gradient, parameter and both
    /// moments in fp32 (32) and writes the bf16 copy (2).
    /// </summary>
    public const int BytesPerParameter = 38;

    /// <summary>The median, over pairs taken in turn, of the step's time over the copy's.</summary>
    /// <param name="shape">The path.</param>
    /// <param name="pairs">How often.</param>
    public static double Measure(TransformerShape shape, int pairs)
    {
        using PathModel model = new(shape, ModelTopology.Dense(shape).Modules, new ComputeOptions());
        using AdamW optimizer = new(model, new AdamWOptions());
        model.Parameters.Initialize(seed: 1);

        // A copy of n bytes moves 2·n: it reads and writes them. Ones, because pages of zeros that were never written are all one page.
        using Tensor source = ones([model.Parameters.Length * BytesPerParameter / 2], dtype: ScalarType.Byte);
        using Tensor target = zeros_like(source);
        optimizer.Step(1e-4, 0);
        target.copy_(source);
        List<double> ratios = [];
        for (int pair = 0; pair < pairs; pair++)
        {
            double step = Seconds(() => optimizer.Step(1e-4, 0));
            ratios.Add(step / Seconds(() => target.copy_(source)));
        }

        ratios.Sort();
        return ratios[ratios.Count / 2];
    }

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
