using CsCheck;
using DiPaCo.Core;
using Xunit;

namespace DiPaCo.Routing.Tests;

/// <summary>The search for biases against its dual, written down as in its definition and in double precision.</summary>
public sealed class BiasSearchTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void DualGradientAndCounts_AreThoseOfANaiveDoublePrecisionReference() =>
        Gen.Select(Gen.Int[1, 700], Gen.Int[1, 24], Gen.Int[1, 20], Gen.Int[0, 1000], Gen.Double[0.2, 5]).Sample(
            (rows, width, classes, seed, epsilon) =>
            {
                Problem problem = new(rows, width, classes, seed);
                float[] biases = [.. Blobs.Noise(1, classes, seed + 7).Row(0)];
                double[] gradient = new double[classes];
                double[] expected = new double[classes];

                double value = problem.Search(threads: 2).Dual(biases, epsilon, gradient, out int[] counts, CancellationToken.None);

                double naive = problem.Dual([.. biases.Select(bias => (double)bias)], epsilon, expected);
                Assert.Equal(naive, value, 1e-5 * (rows + Math.Abs(naive)));
                for (int p = 0; p < classes; p++)
                {
                    Assert.Equal(expected[p], gradient[p], 2e-5 * (1 + rows));
                }

                Assert.Equal(problem.Highest(biases), counts);
            },
            iter: 60);

    [Fact]
    public void TheReferencesGradient_IsItsFiniteDifference()
    {
        Problem problem = new(rows: 60, width: 5, classes: 4, seed: 2);
        double[] biases = [0.3, -0.2, 0.9, 0];
        double[] gradient = new double[4];
        double[] ignored = new double[4];
        const double epsilon = 0.7;
        const double step = 1e-5;
        _ = problem.Dual(biases, epsilon, gradient);
        for (int p = 0; p < 4; p++)
        {
            double[] up = [.. biases];
            double[] down = [.. biases];
            up[p] += step * epsilon;
            down[p] -= step * epsilon;
            Assert.Equal((problem.Dual(up, epsilon, ignored) - problem.Dual(down, epsilon, ignored)) / (2 * step), gradient[p], 1e-6);
        }
    }

    [Fact]
    public void AtOneTemperature_TheSearchEndsWhereTheReferenceIsFlat()
    {
        Problem problem = new(rows: 3000, width: 6, classes: 9, seed: 4);
        BiasSearch search = problem.Search(threads: 2);

        search.RunSoft(new float[9], temperature: 1, passes: 200, Cancel);

        double[] gradient = new double[9];
        _ = problem.Dual([.. search.Biases.Select(bias => (double)bias)], 1, gradient);
        Assert.All(gradient, (slope, p) => Assert.InRange(Math.Abs(slope), 0, 0.002 * problem.Targets[p] + 1));
        _ = problem.Dual(new double[9], 1, gradient);
        Assert.Contains(gradient, slope => Math.Abs(slope) > 100);
    }

    [Fact]
    public void AsItCools_TheSearchBringsEveryClassNearItsTarget_AsTheReferenceCounts()
    {
        Problem problem = new(rows: 3000, width: 6, classes: 9, seed: 5);
        BiasSearch search = problem.Search(threads: 2);

        Assert.True(search.Run(new float[9], temperature: 1, passes: 200, Cancel));

        int[] counts = problem.Highest(search.Biases);
        Assert.Equal(counts, search.Counts);
        Assert.All(counts, (count, p) => Assert.InRange(Math.Abs(count - problem.Targets[p]), 0, BiasSearch.ToleranceOf(problem.Targets[p])));
        Assert.Contains(problem.Highest(new float[9]), count => count > 600);
    }

    private sealed class Problem
    {
        private readonly FeatureMatrix _features;
        private readonly FeatureMatrix _weights;
        private readonly float[] _offsets;

        public Problem(int rows, int width, int classes, long seed)
        {
            _features = Blobs.Noise(rows, width, seed);
            _weights = Blobs.Noise(classes, width, seed + 1);
            _offsets = [.. Blobs.Noise(1, classes, seed + 2).Row(0)];
            RandomStream random = new(seed, "test-targets");
            double[] shares = [.. Enumerable.Range(0, classes).Select(_ => 0.2 + random.NextDouble())];
            Targets = [.. shares.Select(share => share / shares.Sum() * rows)];
        }

        public double[] Targets { get; }

        public BiasSearch Search(int threads) => new(_features, _weights.ToArray(), _offsets, Targets, threads);

        public double Score(int row, int p)
        {
            double score = _offsets[p];
            for (int dimension = 0; dimension < _features.Width; dimension++)
            {
                score += (double)_features.Row(row)[dimension] * _weights.Row(p)[dimension];
            }

            return score;
        }

        public int Highest(int row, float[] biases) => Enumerable.Range(0, biases.Length).MaxBy(p => Score(row, p) + biases[p]);

        public int[] Highest(float[] biases)
        {
            int[] counts = new int[biases.Length];
            for (int row = 0; row < _features.Rows; row++)
            {
                counts[Highest(row, biases)]++;
            }

            return counts;
        }

        /// <summary>Σ log Σ exp((s + b) / ε) − Σ target · b / ε, and its derivatives by b / ε.</summary>
        public double Dual(double[] biases, double epsilon, double[] gradient)
        {
            double value = 0;
            for (int p = 0; p < biases.Length; p++)
            {
                value -= Targets[p] * biases[p] / epsilon;
                gradient[p] = -Targets[p];
            }

            for (int row = 0; row < _features.Rows; row++)
            {
                double[] powers = [.. biases.Select((bias, p) => Math.Exp((Score(row, p) + bias) / epsilon))];
                value += Math.Log(powers.Sum());
                for (int p = 0; p < biases.Length; p++)
                {
                    gradient[p] += powers[p] / powers.Sum();
                }
            }

            return value;
        }
    }
}
