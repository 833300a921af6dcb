using System.Collections.Immutable;
using CsCheck;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using Xunit;

namespace DiPaCo.Routing.Tests;

public sealed class LogisticRouterTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void LossAndGradient_AreThoseOfANaiveDoublePrecisionReference() =>
        Gen.Select(Gen.Int[1, 900], Gen.Int[1, 50], Gen.Int[1, 40], Gen.Int[0, 1000], Gen.Double[0, 0.1]).Sample(
            (rows, width, classes, seed, l2) =>
            {
                FeatureMatrix features = Blobs.Noise(rows, width, seed);
                RandomStream random = new(seed, "test-labels");
                int[] labels = [.. Enumerable.Range(0, rows).Select(_ => random.NextInt32(classes))];
                double[] ones = [.. Enumerable.Repeat(1.0, rows)];
                LogisticLoss loss = new(new LogisticRows(features, labels, ones), classes, l2, null, threads: 2);
                double[] parameters = [.. Enumerable.Range(0, loss.Parameters).Select(_ => 0.3 * random.NextGaussian())];
                double[] gradient = new double[loss.Parameters];
                double value = loss.Evaluate(parameters, gradient, Cancel);
                double[] expected = new double[loss.Parameters];
                Assert.Equal(Naive(features, labels, classes, l2, parameters, expected), value, 1e-5 * (1 + value));
                for (int at = 0; at < gradient.Length; at++)
                {
                    Assert.Equal(expected[at], gradient[at], 2e-5);
                }
            },
            iter: 40);

    [Fact]
    public void TheReferencesGradient_IsItsFiniteDifference()
    {
        FeatureMatrix features = Blobs.Noise(60, 5);
        int[] labels = [.. Enumerable.Range(0, 60).Select(row => row * row % 4)];
        RandomStream random = new(3, "test-point");
        double[] point = [.. Enumerable.Range(0, 24).Select(_ => random.NextGaussian())];
        double[] gradient = new double[24];
        double[] ignored = new double[24];
        _ = Naive(features, labels, 4, 0.05, point, gradient);
        for (int at = 0; at < 24; at++)
        {
            const double step = 1e-5;
            double[] up = [.. point];
            double[] down = [.. point];
            up[at] += step;
            down[at] -= step;
            double slope = (Naive(features, labels, 4, 0.05, up, ignored) - Naive(features, labels, 4, 0.05, down, ignored)) / (2 * step);
            Assert.Equal(slope, gradient[at], 1e-7);
        }
    }

    [Fact]
    public void ScoresAreLogarithmsOfProbabilities()
    {
        FeatureMatrix features = Blobs.Noise(50, 6, scale: 3, shift: 2);
        FeatureTransform transform = FeatureTransform.Fit(features, FeatureScaling.Standardized, 1, Cancel);
        FeatureMatrix weights = Blobs.Noise(5, 6, 2);
        float[] biases = [0, 1, -1, 2, 0.5f];
        LogisticRouter router = new(ShardAssignmentTests.Paths(5), weights, [.. biases], transform, 32);
        float[] z = new float[6];
        for (int document = 0; document < 50; document++)
        {
            transform.Apply(features.Row(document), z);
            double[] logits = [.. Enumerable.Range(0, 5).Select(p => biases[p] + Enumerable.Range(0, 6).Sum(t => (double)weights.Row(p)[t] * z[t]))];
            double sum = Math.Log(logits.Sum(Math.Exp));
            ImmutableArray<float> scores = router.ScoresOf(new RouterInput(features), document);
            for (int p = 0; p < 5; p++)
            {
                Assert.Equal(logits[p] - sum, scores[p], 1e-4);
            }
        }
    }

    [Fact]
    public void SeparableDocuments_AreRoutedWithoutAMistake()
    {
        FeatureMatrix features = Blobs.Around(6, 900, 12, 8);
        LogisticRouterFit fit = LogisticRouterFit.Of(features, Labels(900, row => row % 6), Options(6), null, Cancel);
        ImmutableArray<PathId> paths = fit.Router.Route(new RouterInput(features), cancellationToken: Cancel);
        Assert.All(Enumerable.Range(0, 900), row => Assert.Equal(row % 6, paths[row].Value));
        Assert.InRange(fit.Loss, 0, 0.2);
    }

    [Fact]
    public void TheFit_IsAMinimum_ThatNoStepOfTheReferenceImproves()
    {
        (FeatureMatrix features, ImmutableArray<PathId> labels) = Inseparable(1500, 8, 4);
        LogisticRouterOptions options = Options(4) with { Calibration = BiasCalibration.None, L2 = 0.01, Tolerance = 1e-5 };
        LogisticRouterFit fit = LogisticRouterFit.Of(features, labels, options, null, Cancel);
        FeatureMatrix z = new(1500, 8);
        for (int row = 0; row < 1500; row++)
        {
            fit.Router.Transform.Apply(features.Row(row), z.Row(row));
        }

        double[] parameters = [.. fit.Router.Weights.ToArray().Select(value => (double)value), .. fit.Router.Biases.Select(value => (double)value)];
        double[] gradient = new double[parameters.Length];
        double loss = Naive(z, [.. labels.Select(label => label.Value)], 4, 0.01, parameters, gradient);
        Assert.Equal(loss, fit.Loss, 1e-5);
        // λ-strongly convex in the weights: the distance from the minimum is at most ‖gradient‖² / 2λ.
        Assert.InRange(gradient.Sum(value => value * value) / 0.02, 0, 1e-7);
        Assert.InRange(fit.Iterations, 3, 199);
    }

    [Theory]
    [InlineData(4, 1500)]
    [InlineData(16, 4000)]
    [InlineData(64, 6000)]
    public void AfterCalibration_ShardsHaveTheLabelsProportions_WithinSamplingError(int paths, int documents)
    {
        // Labels that the features tell little about, most of them of a few paths: the plain fit forgets the others.
        (FeatureMatrix features, ImmutableArray<PathId> labels) = Inseparable(documents, 10, paths);
        LogisticRouterOptions options = Options(paths) with { Threads = 2 };
        LogisticRouterFit plain = LogisticRouterFit.Of(features, labels, options with { Calibration = BiasCalibration.None }, null, Cancel);
        LogisticRouterFit fit = LogisticRouterFit.Of(features, labels, options, null, Cancel);
        // Rare paths become rarer: the rarest quarter gets less than half of its labels.
        int[] rare = [.. Enumerable.Range(0, paths).OrderBy(path => plain.Labels[path]).Take(paths / 4)];
        Assert.True(2 * rare.Sum(path => plain.Counts[path]) < rare.Sum(path => plain.Labels[path]));
        Assert.Equal(Counts(labels, paths), fit.Labels);
        Assert.Equal(Counts(fit.Router.Route(new RouterInput(features), cancellationToken: Cancel), paths), fit.Counts);
        for (int path = 0; path < paths; path++)
        {
            double error = Math.Sqrt(fit.Labels[path] * (1 - ((double)fit.Labels[path] / documents)));
            Assert.InRange(fit.Counts[path], Math.Max(1, fit.Labels[path] - Math.Max(1, error)), fit.Labels[path] + Math.Max(1, error));
        }
    }

    [Fact]
    public void Calibration_OnOtherDocuments_MatchesTheLabelsProportionsThere()
    {
        (FeatureMatrix features, ImmutableArray<PathId> labels) = Inseparable(2000, 10, 8);
        // Another corpus: the same directions, but shifted, so that the plain router sends it elsewhere.
        FeatureMatrix corpus = Blobs.Noise(9000, 10, 77, scale: 1.3, shift: 0.4);
        LogisticRouterFit fit = LogisticRouterFit.Of(features, labels, Options(8), corpus, Cancel);
        Assert.Equal(Counts(fit.Router.Route(new RouterInput(corpus), cancellationToken: Cancel), 8), fit.Counts);
        for (int path = 0; path < 8; path++)
        {
            double target = fit.Labels[path] * 4.5;
            Assert.InRange(fit.Counts[path], target - Math.Sqrt(target), target + Math.Sqrt(target));
        }
    }

    [Fact]
    public void ExpectedCalibration_GivesEveryPathItsLabelsShareOfProbability_OnOtherDocuments()
    {
        (FeatureMatrix features, ImmutableArray<PathId> labels) = Inseparable(1000, 10, 8);
        FeatureMatrix corpus = Blobs.Noise(3000, 10, 77, scale: 1.3, shift: 0.4);
        LogisticRouterFit plain = LogisticRouterFit.Of(features, labels, Options(8) with { Calibration = BiasCalibration.None }, corpus, Cancel);
        LogisticRouterFit fit = LogisticRouterFit.Of(features, labels, Options(8) with { Calibration = BiasCalibration.Expected }, corpus, Cancel);
        Assert.Equal(plain.Router.Weights.ToArray(), fit.Router.Weights.ToArray());
        Assert.Equal(Counts(fit.Router.Route(new RouterInput(corpus), cancellationToken: Cancel), 8), fit.Counts);
        double moved = 0;
        for (int path = 0; path < 8; path++)
        {
            Assert.Equal(fit.Labels[path] / 1000.0, Share(fit.Router, path), 2e-4);
            moved = Math.Max(moved, Math.Abs(Share(plain.Router, path) - (fit.Labels[path] / 1000.0)));
        }

        Assert.True(moved > 0.01);

        double Share(LogisticRouter router, int path) =>
            Enumerable.Range(0, 3000).Average(document => Math.Exp(router.ScoresOf(new RouterInput(corpus), document)[path]));
    }

    [Fact]
    public void APathWithoutLabels_IsChosenByNoDocument_AndItsScoresAreFinite()
    {
        FeatureMatrix features = Blobs.Around(3, 300, 7, 1);
        LogisticRouterFit fit = LogisticRouterFit.Of(features, Labels(300, row => row % 3 == 2 ? 4 : row % 3), Options(5), null, Cancel);
        Assert.Equal([100, 100, 0, 0, 100], fit.Labels);
        FeatureMatrix far = Blobs.Noise(500, 7, 9, scale: 100);
        RouterInput input = new(far);
        Assert.DoesNotContain(fit.Router.Route(input, cancellationToken: Cancel), path => path.Value is 2 or 3);
        for (int document = 0; document < 500; document++)
        {
            Assert.All(fit.Router.ScoresOf(input, document), score => Assert.True(float.IsFinite(score)));
        }

        // Refilling works on it as on every router.
        ShardAssignment shards = ShardAssignment.Of(fit.Router, new RouterInput(features), new ShardOptions { MinimumShare = 0.5 }, Cancel);
        Assert.All(shards.Shards, shard => Assert.True(shard.Length >= 30));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void OneLabel_OrDocumentsThatAreAllTheSame_GiveAFiniteRouter(int labels)
    {
        FeatureMatrix features = new(90, 5);
        for (int row = 0; row < 90; row++)
        {
            features.Row(row).Fill(2.5f);
        }

        LogisticRouterFit fit = LogisticRouterFit.Of(features, Labels(90, row => row % labels), Options(4), null, Cancel);
        Assert.True(double.IsFinite(fit.Loss));
        Assert.All(fit.Router.ScoresOf(new RouterInput(features), 0), score => Assert.True(float.IsFinite(score)));
    }

    [Fact]
    public void Bytes_DoNotDependOnTheNumberOfThreads()
    {
        (FeatureMatrix features, ImmutableArray<PathId> labels) = Inseparable(5000, 21, 9);
        byte[] one = RouterBytes.Of(LogisticRouterFit.Of(features, labels, Options(9), null, Cancel).Router);
        byte[] three = RouterBytes.Of(LogisticRouterFit.Of(features, labels, Options(9) with { Threads = 3 }, null, Cancel).Router);
        Assert.Equal(one, three);
    }

    [Fact]
    public void ALabelThatIsNoPath_AndNoDocuments_AreRefused()
    {
        Assert.Throws<ArgumentException>(() => LogisticRouterFit.Of(Blobs.Noise(3, 2), Labels(3, _ => 7), Options(4), null, Cancel));
        Assert.Throws<ArgumentOutOfRangeException>(() => LogisticRouterFit.Of(Blobs.Noise(3, 2), Labels(2, _ => 0), Options(4), null, Cancel));
        Assert.Throws<DiPaCoException>(() => LogisticRouterFit.Of(new FeatureMatrix(0, 2), [], Options(4), null, Cancel));
        FeatureMatrix bad = Blobs.Noise(3, 2);
        bad.Row(1)[1] = float.NaN;
        Assert.Throws<DiPaCoException>(() => LogisticRouterFit.Of(bad, Labels(3, _ => 0), Options(4), null, Cancel));
    }

    internal static LogisticRouterOptions Options(int paths) => new() { Paths = ShardAssignmentTests.Paths(paths), PrefixTokens = 32 };

    internal static ImmutableArray<PathId> Labels(int documents, Func<int, int> labelOf) =>
        [.. Enumerable.Range(0, documents).Select(document => new PathId(labelOf(document)))];

    private static int[] Counts(ImmutableArray<PathId> chosen, int paths) =>
        [.. Enumerable.Range(0, paths).Select(path => chosen.Count(one => one.Value == path))];

    // Labels drawn from a softmax of few and weak directions with very uneven biases; every path is the label of some document.
    private static (FeatureMatrix Features, ImmutableArray<PathId> Labels) Inseparable(int documents, int width, int paths)
    {
        FeatureMatrix features = Blobs.Noise(documents, width, 51);
        FeatureMatrix weights = Blobs.Noise(paths, width, 52, 0.25);
        RandomStream random = new(53, "test-labels");
        int[] labels = new int[documents];
        for (int row = 0; row < documents; row++)
        {
            double best = double.NegativeInfinity;
            for (int path = 0; path < paths; path++)
            {
                double gumbel = -Math.Log(-Math.Log(random.NextDouble() + 1e-12));
                double score = gumbel - (3.0 * path / paths);
                for (int t = 0; t < width; t++)
                {
                    score += weights.Row(path)[t] * features.Row(row)[t];
                }

                (best, labels[row]) = score > best ? (score, path) : (best, labels[row]);
            }
        }

        return (features, Labels(documents, row => labels[row]));
    }

    private static double Naive(FeatureMatrix features, int[] labels, int classes, double l2, double[] parameters, double[] gradient) =>
        NaiveLogistic.Loss(features, labels, [.. Enumerable.Repeat(1.0, labels.Length)], classes, l2, null, parameters, gradient);
}
