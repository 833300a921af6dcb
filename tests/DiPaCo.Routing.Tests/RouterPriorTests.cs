using System.Collections.Immutable;
using CsCheck;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using Xunit;

namespace DiPaCo.Routing.Tests;

/// <summary>A logistic regression that is drawn towards another router, on documents of different weight, with a penalty that it finds itself.</summary>
public sealed class RouterPriorTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void LossAndGradient_WithWeightsAndPrior_AreThoseOfANaiveDoublePrecisionReference() =>
        Gen.Select(Gen.Int[1, 600], Gen.Int[1, 40], Gen.Int[1, 30], Gen.Int[0, 1000], Gen.Double[0, 0.1]).Sample(
            (rows, width, classes, seed, l2) =>
            {
                FeatureMatrix features = Blobs.Noise(rows, width, seed);
                RandomStream random = new(seed, "test-labels");
                int[] labels = [.. Enumerable.Range(0, rows).Select(_ => random.NextInt32(classes))];
                double[] weights = [.. Enumerable.Range(0, rows).Select(row => row % 3 == 1 ? 0 : 5 * random.NextDouble())];
                LinearScores prior = LinearScores.Of(KMeans(features, classes, seed)).Standardized(features);
                LogisticLoss loss = new(new LogisticRows(features, labels, weights), classes, l2, prior, threads: 2);
                double[] parameters = [.. Enumerable.Range(0, loss.Parameters).Select(_ => 0.3 * random.NextGaussian())];
                double[] gradient = new double[loss.Parameters];
                double value = loss.Evaluate(parameters, gradient, Cancel);
                double[] expected = new double[loss.Parameters];
                double[] added = [.. prior.Weights.Concat(prior.Biases).Select(number => (double)number)];
                Assert.Equal(NaiveLogistic.Loss(features, labels, weights, classes, l2, added, parameters, expected), value, 1e-5 * (1 + value));
                for (int at = 0; at < gradient.Length; at++)
                {
                    Assert.Equal(expected[at], gradient[at], 5e-5);
                }
            },
            iter: 20);

    [Fact]
    public void TheReferencesGradient_IsItsFiniteDifference()
    {
        FeatureMatrix features = Blobs.Noise(60, 5);
        int[] labels = [.. Enumerable.Range(0, 60).Select(row => row * row % 4)];
        double[] weights = [.. Enumerable.Range(0, 60).Select(row => row % 7.0)];
        RandomStream random = new(3, "test-point");
        double[] prior = [.. Enumerable.Range(0, 24).Select(_ => random.NextGaussian())];
        double[] point = [.. Enumerable.Range(0, 25).Select(_ => random.NextGaussian())];
        double[] gradient = new double[25];
        double[] ignored = new double[25];
        _ = NaiveLogistic.Loss(features, labels, weights, 4, 0.05, prior, point, gradient);
        for (int at = 0; at < 25; at++)
        {
            const double step = 1e-5;
            double[] up = [.. point];
            double[] down = [.. point];
            up[at] += step;
            down[at] -= step;
            double rise = NaiveLogistic.Loss(features, labels, weights, 4, 0.05, prior, up, ignored) - NaiveLogistic.Loss(features, labels, weights, 4, 0.05, prior, down, ignored);
            Assert.Equal(rise / (2 * step), gradient[at], 1e-7);
        }
    }

    [Theory]
    [InlineData("k-means")]
    [InlineData("balanced-k-means")]
    [InlineData("product-k-means")]
    [InlineData("logistic")]
    public void LinearScores_AreTheRoutersOwn_UpToWhatAllPathsHaveInCommon(string kind)
    {
        FeatureMatrix features = Blobs.Around(6, 400, 12, 2);
        IRouter router = Router(kind, features);
        LinearScores linear = LinearScores.Of(router);
        float[] z = new float[12];
        for (int row = 0; row < 400; row += 9)
        {
            linear.Transform.Apply(features.Row(row), z);
            ImmutableArray<float> scores = router.ScoresOf(new RouterInput(features), row);
            double[] own = [.. Enumerable.Range(0, 6).Select(p => linear.Biases[p] + Enumerable.Range(0, 12).Sum(t => (double)linear.Weights[(p * 12) + t] * z[t]))];
            for (int p = 1; p < 6; p++)
            {
                Assert.Equal(scores[p] - scores[0], own[p] - own[0], 1e-3);
            }
        }
    }

    [Fact]
    public void LinearScores_OfResidualKMeans_AreDistancesToTheSumsOfItsCentroids()
    {
        FeatureMatrix features = Blobs.Around(6, 400, 12, 2);
        ResidualKMeansRouter router = (ResidualKMeansRouter)Router("residual-k-means", features);
        LinearScores linear = LinearScores.Of(router);
        float[] z = new float[12];
        for (int row = 0; row < 400; row += 9)
        {
            linear.Transform.Apply(features.Row(row), z);
            double square = z.Sum(value => (double)value * value);
            for (int p = 0; p < 6; p++)
            {
                double distance = 0;
                for (int t = 0; t < 12; t++)
                {
                    double difference = z[t] - (double)router.Centroids[0].Row(router.Codes.Of(p)[0])[t] - router.Centroids[1].Row(router.Codes.Of(p)[1])[t];
                    distance += difference * difference;
                }

                double score = linear.Biases[p] + Enumerable.Range(0, 12).Sum(t => (double)linear.Weights[(p * 12) + t] * z[t]);
                Assert.Equal(square - distance, score, 1e-3);
            }
        }
    }

    [Fact]
    public void ARouterWithoutFeatures_AndOneOfOtherPaths_AreNoPrior()
    {
        FeatureMatrix features = Blobs.Noise(40, 3);
        Assert.Throws<ArgumentException>(() => LinearScores.Of(new RandomRouter(ShardAssignmentTests.Paths(4), 1)));
        LogisticRouterOptions options = LogisticRouterTests.Options(4) with { Prior = KMeans(features, 5, 1) };
        Assert.Throws<ArgumentException>(() => LogisticRouterFit.Of(features, LogisticRouterTests.Labels(40, row => row % 4), options, null, Cancel));
    }

    [Fact]
    public void WithALargePenalty_TheRouterChoosesAsItsPrior_AndIsAsSureAsTheLabelsMakeIt()
    {
        // Labels that follow the prior in two of three cases, and chance in the third.
        FeatureMatrix features = Blobs.Around(5, 1200, 8, 3);
        KMeansRouter prior = KMeans(features, 5, 1);
        ImmutableArray<PathId> chosen = prior.Route(new RouterInput(features), cancellationToken: Cancel);
        RandomStream random = new(4, "test-labels");
        ImmutableArray<PathId> labels = [.. chosen.Select(path => random.NextDouble() < 0.67 ? path : new PathId(random.NextInt32(5)))];
        LogisticRouterOptions options = LogisticRouterTests.Options(5) with { Prior = prior, L2 = 1e6, Calibration = BiasCalibration.None };

        LogisticRouterFit fit = LogisticRouterFit.Of(features, labels, options, null, Cancel);

        Assert.Equal(chosen, fit.Router.Route(new RouterInput(features), cancellationToken: Cancel));
        Assert.InRange(fit.PriorFactor, 0.1, 10);

        // As sure as the labels make it: the score that it expects of a document's path is, in the mean, that of the labels.
        RouterInput input = new(features);
        double expected = Enumerable.Range(0, 1200).Average(row => prior.ScoresOf(input, row).Zip(fit.Router.ScoresOf(input, row)).Sum(pair => pair.First * Math.Exp(pair.Second)));
        double labelled = Enumerable.Range(0, 1200).Average(row => prior.ScoresOf(input, row)[labels[row].Value]);
        Assert.Equal(labelled, expected, 0.02 * Math.Abs(labelled));
    }

    [Fact]
    public void APathWithoutLabels_KeepsWhatItsPriorSays()
    {
        FeatureMatrix features = Blobs.Around(3, 600, 6, 6);
        KMeansRouter prior = KMeans(features, 3, 1);
        ImmutableArray<PathId> chosen = prior.Route(new RouterInput(features), cancellationToken: Cancel);
        int[] seen = [.. Enumerable.Range(0, 600).Where(row => chosen[row].Value != 1).Take(20)];
        LabelledRows few = new(new SelectedFeatures(features, seen), [.. seen.Select(row => chosen[row])]);
        LogisticRouterOptions options = LogisticRouterTests.Options(3) with { Prior = prior, L2 = 1, Calibration = BiasCalibration.None };

        LogisticRouterFit fit = LogisticRouterFit.Of(few, options, null, Cancel);

        Assert.Equal(0, fit.Labels[1]);
        Assert.Equal(chosen, fit.Router.Route(new RouterInput(features), cancellationToken: Cancel));
    }

    [Fact]
    public void DocumentsThatWeighNothing_AreNotLearnedFrom()
    {
        FeatureMatrix features = Blobs.Around(4, 400, 6, 4);
        double[] weights = [.. Enumerable.Range(0, 400).Select(row => row < 200 ? 2.0 : 0)];
        LogisticRouterOptions options = LogisticRouterTests.Options(4) with { L2 = 0.01, Calibration = BiasCalibration.None };
        LabelledRows both = new(features, LogisticRouterTests.Labels(400, row => row < 200 ? row % 4 : (row + 1) % 4)) { Weights = [.. weights] };

        ImmutableArray<PathId> routed = LogisticRouterFit.Of(both, options, null, Cancel).Router.Route(new RouterInput(features), cancellationToken: Cancel);

        Assert.All(Enumerable.Range(0, 400), row => Assert.Equal(row % 4, routed[row].Value));
        Assert.Throws<ArgumentException>(() => LogisticRouterFit.Of(both with { Weights = both.Weights.SetItem(3, -1) }, options, null, Cancel));
        Assert.Throws<ArgumentException>(() => LogisticRouterFit.Of(both with { Weights = both.Weights.SetItem(3, double.NaN) }, options, null, Cancel));
    }

    [Fact]
    public void Folds_HaveWholeOrigins_AreAboutEquallyLarge_AndDoNotDependOnTheOrder() =>
        Gen.Select(Gen.Int[1, 400], Gen.Int[1, 60], Gen.Int[2, 9], Gen.Int[0, 1000]).Sample(
            (documents, origins, folds, seed) =>
            {
                RandomStream random = new(seed, "test-origins");
                ulong[] origin = [.. Enumerable.Range(0, documents).Select(_ => (ulong)random.NextInt32(origins))];
                int[] parts = OriginFolds.Of(origin, folds);
                int distinct = origin.Distinct().Count();
                Assert.All(origin.Zip(parts).GroupBy(pair => pair.First), group => Assert.Single(group.Select(pair => pair.Second).Distinct()));
                Assert.Equal(Enumerable.Range(0, Math.Min(folds, distinct)), parts.Distinct().Order());
                int largest = origin.CountBy(one => one).Max(pair => pair.Value);
                int[] sizes = [.. parts.CountBy(part => part).Select(pair => pair.Value)];
                Assert.True(sizes.Max() - sizes.Min() <= largest, $"{sizes.Max()} and {sizes.Min()}, the largest origin has {largest}");
                int[] backwards = OriginFolds.Of([.. origin.Reverse()], folds);
                Assert.Equal(parts, backwards.Reverse());
            },
            iter: 200);

    [Fact]
    public void Labels_ThatOnlyOriginsExplain_GetALargePenalty_WhichFoldsOfDocumentsWouldNotSee()
    {
        // A label belongs to an origin by chance, and all documents of an origin are nearly the same: unseen origins cannot be told.
        const int origins = 60;
        FeatureMatrix centers = Blobs.Noise(origins, 16, 5);
        FeatureMatrix features = Blobs.Noise(origins * 10, 16, 6, 0.05);
        for (int row = 0; row < features.Rows; row++)
        {
            for (int t = 0; t < 16; t++)
            {
                features.Row(row)[t] += centers.Row(row / 10)[t];
            }
        }

        RandomStream random = new(8, "test-labels");
        int[] labelOf = [.. Enumerable.Range(0, origins).Select(_ => random.NextInt32(4))];
        LogisticRouterOptions options = LogisticRouterTests.Options(4) with { L2 = null, Calibration = BiasCalibration.None };
        LabelledRows rows = new(features, LogisticRouterTests.Labels(features.Rows, row => labelOf[row / 10]));

        LogisticRouterFit byDocument = LogisticRouterFit.Of(rows, options, null, Cancel);
        LogisticRouterFit byOrigin = LogisticRouterFit.Of(rows with { Origins = [.. Enumerable.Range(0, features.Rows).Select(row => (ulong)(row / 10))] }, options, null, Cancel);

        Assert.InRange(byOrigin.L2, 0.1, PenaltySearch.Largest);
        Assert.InRange(byDocument.L2, 0, 0.01);
        Assert.True(byDocument.HeldOutLoss < byOrigin.HeldOutLoss);
    }

    [Fact]
    public void ThePenaltyThatIsChosen_HasTheLowestHeldOutLossOfItsNeighbours()
    {
        FeatureMatrix features = Blobs.Noise(120, 6, 5);
        RandomStream random = new(8, "test-labels");
        int[] labels = [.. Enumerable.Range(0, 120).Select(row => features.Row(row)[0] + (0.7 * random.NextGaussian()) > 0 ? 1 : 0)];
        int[] foldOf = OriginFolds.Of([.. Enumerable.Range(0, 120).Select(row => (ulong)row)], 3);
        double[] ones = [.. Enumerable.Repeat(1.0, 120)];
        LogisticRouterOptions options = LogisticRouterTests.Options(2) with { Tolerance = 1e-6 };
        RoutingWork work = new();

        (double chosen, double? heldOut) = PenaltySearch.Choose(new LogisticRows(features, labels, ones), foldOf, 2, null, options, work, Cancel);

        Assert.Equal(HeldOut(chosen), heldOut!.Value, 1e-4);
        Assert.InRange(chosen, 1e-3, 1);
        Assert.True(HeldOut(chosen) < HeldOut(chosen * Math.Sqrt(10)));
        Assert.True(HeldOut(chosen) < HeldOut(chosen / Math.Sqrt(10)));
        Assert.True(work.Flops > 0);

        // Each part under a classifier that gradient descent on the reference has fitted to the others.
        double HeldOut(double l2)
        {
            double sum = 0;
            for (int fold = 0; fold < 3; fold++)
            {
                double[] parameters = new double[14];
                double[] gradient = new double[14];
                double[] seen = [.. foldOf.Select(part => part == fold ? 0.0 : 1)];
                for (int step = 0; step < 200; step++)
                {
                    NaiveLogistic.Loss(features, labels, seen, 2, l2, null, parameters, gradient);
                    parameters = [.. parameters.Select((value, at) => value - (2 * gradient[at]))];
                }

                double[] held = [.. seen.Select(weight => 1 - weight)];
                sum += NaiveLogistic.Loss(features, labels, held, 2, 0, null, parameters, gradient) * held.Sum();
            }

            return sum / 120;
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void WithoutTwoOrigins_APriorRemains_AndWithoutOneThePenaltyIsSmall(bool hasPrior)
    {
        FeatureMatrix features = Blobs.Around(3, 60, 4, 4);
        LogisticRouterOptions options = LogisticRouterTests.Options(3) with { L2 = null, Prior = hasPrior ? KMeans(features, 3, 1) : null };
        LabelledRows rows = new(features, LogisticRouterTests.Labels(60, row => row % 3)) { Origins = [.. Enumerable.Repeat(7UL, 60)] };

        LogisticRouterFit fit = LogisticRouterFit.Of(rows, options, null, Cancel);

        Assert.Equal(hasPrior ? PenaltySearch.Largest : PenaltySearch.WithoutFolds, fit.L2);
        Assert.Null(fit.HeldOutLoss);
    }

    [Fact]
    public void Bytes_DoNotDependOnTheNumberOfThreads()
    {
        FeatureMatrix features = Blobs.Around(9, 3000, 21, 1);
        LabelledRows rows = new(features, LogisticRouterTests.Labels(3000, row => row * row % 9)) { Weights = [.. Enumerable.Range(0, 3000).Select(row => row % 5.0)] };
        LogisticRouterOptions options = LogisticRouterTests.Options(9) with { L2 = null, Prior = KMeans(features, 9, 1), Iterations = 20, Calibration = BiasCalibration.Expected };
        byte[] one = RouterBytes.Of(LogisticRouterFit.Of(rows, options, null, Cancel).Router);
        byte[] three = RouterBytes.Of(LogisticRouterFit.Of(rows, options with { Threads = 3 }, null, Cancel).Router);
        Assert.Equal(one, three);
    }

    private static KMeansRouter KMeans(FeatureMatrix features, int paths, long seed) => new(
        ShardAssignmentTests.Paths(paths), Blobs.Around(paths, paths, features.Width, 1, seed + 5),
        FeatureTransform.Fit(features, FeatureScaling.None, 1, Cancel), 32);

    private static IRouter Router(string kind, FeatureMatrix features)
    {
        KMeansRouterOptions options = ProductKMeansTests.Options(new PathGrid([2, 3], 1));
        return kind switch
        {
            "k-means" => KMeans(features, 6, 2),
            "product-k-means" => ProductKMeansRouterFit.Of(features, options, Cancel),
            "residual-k-means" => ResidualKMeansRouterFit.Of(features, options, Cancel),
            "balanced-k-means" => BalancedKMeansRouterFit.Of(features, options, Cancel).Router,
            _ => LogisticRouterFit.Of(features, LogisticRouterTests.Labels(features.Rows, row => row % 6), LogisticRouterTests.Options(6), null, Cancel).Router,
        };
    }
}
