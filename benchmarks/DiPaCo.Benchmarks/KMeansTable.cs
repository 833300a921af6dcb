using System.Diagnostics;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Routing;
using DiPaCo.Training.Benchmarking;

namespace DiPaCo.Benchmarks;

/// <summary>
/// k-means: the rate of the assignment of rows to centroids over the machine's rate of matrix products, in turn with them, and one fit
/// of features that stay on the disk, from beginning to end.
/// </summary>
internal static class KMeansTable
{
    private const int Width = 256;
    private const int Clusters = 256;

    /// <summary>Arguments: rows of the fit (1,000,000; 0: none), pairs of the rate (15).</summary>
    public static void Print(string[] args)
    {
        int rows = args.Length > 0 ? int.Parse(args[0]) : 1_000_000;
        int pairs = args.Length > 1 ? int.Parse(args[1]) : 15;
        int threads = int.Parse(Environment.GetEnvironmentVariable("THREADS") ?? $"{Environment.ProcessorCount}");
        PrintRate(pairs, threads);
        if (rows > 0)
        {
            PrintFit(rows, threads);
        }
    }

    private static void PrintRate(int pairs, int threads)
    {
        // 16 MiB of rows: as in a pass, they come from memory and not from a cache.
        FeatureMatrix features = Rows(16_384);
        FeatureMatrix centroids = Rows(Clusters);
        LloydPass pass = new(features, Clusters, threads);
        AffineScorer scorer = AffineScorer.OfCentroids(centroids.ToArray(), Width);
        using GemmRate products = new(ComputeType.Fp32);
        // One thread alone can be timed by the time that it had a core, which other work on the machine disturbs least.
        Func<double> clock = threads == 1 ? Clocks.Thread : Clocks.Wall;
        List<double> assignments = [];
        List<double> passes = [];
        double best = 0;
        for (int pair = 0; pair < pairs; pair++)
        {
            double product = Enumerable.Range(0, 3).Max(_ => products.Once(clock));
            assignments.Add(Rate(features, clock, () => Assign(features, scorer, threads)) / product);
            passes.Add(Rate(features, clock, () => pass.Run(centroids.ToArray(), CancellationToken.None)) / product);
            best = Math.Max(best, product);
        }

        Console.WriteLine(
            $"{Width} dimensions, {Clusters} clusters, {threads} threads; products {best / 1e9:F0} GFLOP/s: assignment {assignments.Max():F2} best, {Median(assignments):F2} median; "
            + $"with the sums of an iteration {passes.Max():F2} best, {Median(passes):F2} median");
    }

    private static double Rate(FeatureMatrix features, Func<double> clock, Action action)
    {
        double start = clock();
        action();
        return 2.0 * features.Rows * Width * Clusters / (clock() - start);
    }

    private static void Assign(FeatureMatrix features, AffineScorer scorer, int threads) => RowBlocks.Visit(
        features,
        RowBlocks.Stripes(),
        threads,
        (_, _, rows) =>
        {
            float[] scratch = System.Buffers.ArrayPool<float>.Shared.Rent(RowBlocks.Rows * scorer.Stride);
            Span<int> best = stackalloc int[RowBlocks.Rows];
            Span<float> scores = stackalloc float[RowBlocks.Rows];
            scorer.Best(rows, scratch, best, scores);
            System.Buffers.ArrayPool<float>.Shared.Return(scratch);
        },
        CancellationToken.None);

    private static void PrintFit(int rows, int threads)
    {
        string file = Path.Combine(Path.GetTempPath(), $"dipaco-kmeans-{Environment.ProcessId}.safetensors");
        try
        {
            using (FileStream stream = File.Create(file))
            {
                FeatureCodec.Write(new Blobs(rows), 32, stream);
            }

            foreach (int batch in new[] { 0, 8192 })
            {
                using FeatureFile features = FeatureFile.Open(file);
                KMeansOptions options = new() { Clusters = Clusters, Seed = 1, Threads = threads, Restarts = 1, BatchRows = batch, Iterations = batch > 0 ? 5 : 50 };
                GC.Collect();
                long before = Environment.WorkingSet;
                long start = Stopwatch.GetTimestamp();
                KMeansResult result = KMeans.Fit(features, options);
                Console.WriteLine(
                    $"{rows:N0} × {Width} from the disk into {Clusters} clusters, {(batch == 0 ? "whole passes" : $"mini-batches of {batch}")}: "
                    + $"{Stopwatch.GetElapsedTime(start).TotalSeconds:F0} s, {result.Iterations} passes, working set {before >> 20} → {Environment.WorkingSet >> 20} MiB "
                    + $"(the file: {new FileInfo(file).Length >> 20} MiB), inertia {result.Inertia / rows / Width:F4} a number");
            }
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static FeatureMatrix Rows(int rows)
    {
        FeatureMatrix features = new(rows, Width);
        for (int first = 0; first < rows; first++)
        {
            new Blobs(rows).Read(first, 1, features.Row(first));
        }

        return features;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    /// <summary>Rows about 500 centers, made when they are read.</summary>
    private sealed class Blobs(int rows) : IFeatureSource
    {
        private const int Centers = 500;

        private static readonly float[] CenterValues = Uniform(new RandomStream(1, "benchmark-centers"), Centers * KMeansTable.Width);

        public int Rows => rows;

        public int Width => KMeansTable.Width;

        public ReadOnlySpan<float> Read(int first, int count, Span<float> scratch)
        {
            for (int row = 0; row < count; row++)
            {
                RandomStream random = new(2, "benchmark-row", first + row);
                ReadOnlySpan<float> center = CenterValues.AsSpan(random.NextInt32(Centers) * Width, Width);
                for (int t = 0; t < Width; t++)
                {
                    scratch[(row * Width) + t] = center[t] + (float)((2 * random.NextDouble()) - 1);
                }
            }

            return scratch[..(count * Width)];
        }

        private static float[] Uniform(RandomStream random, int count)
        {
            float[] values = new float[count];
            for (int at = 0; at < count; at++)
            {
                values[at] = (float)((2 * random.NextDouble()) - 1);
            }

            return values;
        }
    }
}
