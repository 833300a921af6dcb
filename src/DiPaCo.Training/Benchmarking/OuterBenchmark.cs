using System.Diagnostics;
using DiPaCo.Core;

namespace DiPaCo.Training.Benchmarking;

/// <summary>The outer step of a module over contributions in memory, against a copy of the contributions' bytes; both on one thread.</summary>
public static class OuterBenchmark
{
    private const int Piece = 1 << 15;

    /// <summary>Bytes of contributions folded per second over bytes copied per second: the median over pairs taken in turn.</summary>
    /// <param name="elements">Elements of the module, a multiple of 32,768.</param>
    /// <param name="contributions">Paths through it.</param>
    /// <param name="pairs">Measurements.</param>
    public static double Measure(int elements, int contributions, int pairs)
    {
        RandomStream random = new(1, "outer-benchmark");
        float[][] ends = [.. Enumerable.Range(0, contributions).Select(_ => Draw(elements, random))];
        float[] parameters = Draw(elements, random);
        float[] momentum = new float[elements];
        float[] copy = new float[elements];
        List<double> ratios = [];
        for (int pair = 0; pair <= pairs; pair++)
        {
            long start = Stopwatch.GetTimestamp();
            foreach (float[] end in ends)
            {
                end.CopyTo(copy.AsSpan());
            }

            double copied = Stopwatch.GetElapsedTime(start).TotalSeconds;
            start = Stopwatch.GetTimestamp();
            Step(parameters, momentum, ends);
            if (pair > 0)
            {
                ratios.Add(copied / Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        }

        ratios.Sort();
        return ratios[ratios.Count / 2];
    }

    private static void Step(float[] parameters, float[] momentum, float[][] ends)
    {
        OuterStep step = new(Piece);
        for (int first = 0; first < parameters.Length; first += Piece)
        {
            Span<float> theta = parameters.AsSpan(first, Piece);
            step.Restart();
            foreach (float[] end in ends)
            {
                step.Fold(theta, end.AsSpan(first, Piece), 1.0 / ends.Length);
            }

            step.GradientSquares(theta);
            step.Apply(theta, momentum.AsSpan(first, Piece), new OuterStepOptions(0.7, 0.9, 1));
        }
    }

    private static float[] Draw(int elements, RandomStream random)
    {
        float[] values = new float[elements];
        for (int i = 0; i < elements; i++)
        {
            values[i] = (float)random.NextGaussian();
        }

        return values;
    }
}
