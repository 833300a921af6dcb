using System.Collections.Immutable;
using System.Diagnostics;
using DiPaCo.Core;
using DiPaCo.Routing;

namespace DiPaCo.Benchmarks;

/// <summary>One fit of the discriminative router at the largest size that it is made for.</summary>
internal static class LogisticTable
{
    /// <summary>Arguments: documents (100,000), features (1,024), paths (256).</summary>
    public static void Print(string[] args)
    {
        int rows = args.Length > 0 ? int.Parse(args[0]) : 100_000;
        int width = args.Length > 1 ? int.Parse(args[1]) : 1024;
        int paths = args.Length > 2 ? int.Parse(args[2]) : 256;
        FeatureMatrix features = new(rows, width);
        RandomStream random = new(1, "benchmark-logistic");
        ImmutableArray<PathId>.Builder labels = ImmutableArray.CreateBuilder<PathId>(rows);
        for (int row = 0; row < rows; row++)
        {
            // The square makes the first paths rare.
            int label = (int)(Math.Sqrt(random.NextDouble()) * paths);
            labels.Add(new PathId(label));
            foreach (ref float value in features.Row(row))
            {
                value = (float)((2 * random.NextDouble()) - 1);
            }

            features.Row(row)[label % width] += 2;
            features.Row(row)[label * 7 % width] += 1;
        }

        LogisticRouterOptions options = new()
        {
            Paths = [.. Enumerable.Range(0, paths).Select(path => new PathId(path))], PrefixTokens = 32, Threads = Environment.ProcessorCount,
        };
        long start = Stopwatch.GetTimestamp();
        LogisticRouterFit fit = LogisticRouterFit.Of(features, labels.ToImmutable(), options);
        double distance = Enumerable.Range(0, paths).Sum(path => Math.Abs(fit.Labels[path] - fit.Counts[path])) / (double)rows;
        Console.WriteLine(
            $"{rows:N0} × {width} features to {paths} paths: {Stopwatch.GetElapsedTime(start).TotalSeconds:F0} s, {fit.Iterations} iterations, loss {fit.Loss:F4}, "
            + $"{distance:P2} of the documents beside the labels' distribution, smallest shard {fit.Counts.Min()} where {fit.Labels[fit.Counts.IndexOf(fit.Counts.Min())]} have the label");
    }
}
