using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Routing;

/// <summary>
/// Features and the best path of each document → logistic router (paper §7.2.1): multinomial logistic regression, then biases trained
/// until the router sends documents to paths in the proportions of the labels, or until it expects to.
/// </summary>
/// <param name="Router">The router.</param>
/// <param name="Loss">Mean loss and penalty at the end of the regression, in nats a document.</param>
/// <param name="Iterations">Iterations of the last regression.</param>
/// <param name="Labels">Documents whose label is each path.</param>
/// <param name="Counts">Documents of the calibration that the router sends to each path.</param>
public sealed record LogisticRouterFit(LogisticRouter Router, double Loss, int Iterations, ImmutableArray<int> Labels, ImmutableArray<int> Counts)
{
    // e⁻³⁰: below every probability that matters, far from what a 32-bit number cannot hold.
    private const float Never = 30;

    /// <summary>The penalty λ, stated or chosen.</summary>
    public double L2 { get; init; }

    /// <summary>Mean loss of documents under classifiers that had not seen their origins; null without a cross-validation.</summary>
    public double? HeldOutLoss { get; init; }

    /// <summary>What the prior's scores, made to differ by about 1, are multiplied with; 0 without a prior.</summary>
    public double PriorFactor { get; init; }

    /// <summary>Floating-point operations of all passes over documents.</summary>
    public double Flops { get; init; }

    /// <summary>Fits a router to documents that all weigh the same.</summary>
    /// <inheritdoc cref="Of(LabelledRows, LogisticRouterOptions, IFeatureSource, CancellationToken)"/>
    public static LogisticRouterFit Of(
        IFeatureSource features, ImmutableArray<PathId> labels, LogisticRouterOptions options,
        IFeatureSource? calibration = null, CancellationToken cancellationToken = default) =>
        Of(new LabelledRows(features, labels), options, calibration, cancellationToken);

    /// <summary>
    /// Fits a router. Where a path is no document's label, and nothing else says how good it is (there is no prior, or the biases are to
    /// match the labels), it is left out of the regression; its score is the mean of the other paths' less 30 nats, so that no document
    /// chooses it, of the training text or of any other, and only a minimum share gives it documents (those that the router is least sure of).
    /// </summary>
    /// <param name="documents">The labelled documents.</param>
    /// <param name="options">Constants.</param>
    /// <param name="calibration">The documents whose distribution over the paths is matched; null: the labelled ones.</param>
    /// <param name="cancellationToken">Ends the fit.</param>
    /// <exception cref="DiPaCoException">There are no documents, or a feature is not finite.</exception>
    /// <exception cref="ArgumentException">Numbers of labels and documents differ, a label is no path of the router, the prior is of other paths, or an option is out of its range.</exception>
    public static LogisticRouterFit Of(
        LabelledRows documents, LogisticRouterOptions options, IFeatureSource? calibration = null, CancellationToken cancellationToken = default)
    {
        IFeatureSource features = documents.Features;
        Validate(documents, options, calibration);
        int[] counts = new int[options.Paths.Length];
        foreach (PathId label in documents.Labels)
        {
            counts[ColumnOf(options.Paths, label)]++;
        }

        bool hasAll = options.Prior is not null && options.Calibration == BiasCalibration.None;
        int[] classes = [.. Enumerable.Range(0, counts.Length).Where(column => hasAll || counts[column] > 0)];
        int[] classOf = [.. documents.Labels.Select(label => Array.BinarySearch(classes, ColumnOf(options.Paths, label)))];
        FeatureTransform fitted = FeatureTransform.Fit(features, options.Scaling, options.Threads, cancellationToken);
        LinearScores? prior = options.Prior is { } router ? LinearScores.Of(router) : null;
        FeatureTransform transform = prior?.Transform ?? fitted;
        LogisticRows rows = new(new TransformedFeatures(features, transform), classOf, documents.AllWeights());
        prior = prior?.Only(classes).Standardized(rows.Features);
        RoutingWork work = new();
        (double l2, double? heldOut) = options.L2 is { } stated
            ? (stated, null)
            : PenaltySearch.Choose(rows, OriginFolds.Of(documents.AllOrigins(), options.Folds), classes.Length, prior, options, work, cancellationToken);
        LogisticRegression regression = new(rows, classes.Length, prior, options, work);
        (double loss, int iterations) = regression.Fit(l2, cancellationToken);

        (float[] weights, float[] biases) = regression.Classifier();
        TransformedFeatures all = new(calibration ?? features, transform);
        double[] targets = [.. classes.Select(column => (double)counts[column] * all.Rows / features.Rows)];
        (biases, int[] matched) = Calibrate(all, weights, biases, targets, options, work, cancellationToken);
        int[] sent = new int[counts.Length];
        for (int k = 0; k < classes.Length; k++)
        {
            sent[classes[k]] = matched[k];
        }

        return new LogisticRouterFit(RouterOf(options, classes, weights, biases, transform), loss, iterations, [.. counts], [.. sent])
        {
            L2 = l2,
            HeldOutLoss = heldOut,
            PriorFactor = regression.PriorFactor,
            Flops = work.Flops,
        };
    }

    // The paper matches the counts of the highest class, which is what shards are made by: rare classes are the highest one nearly nowhere.
    // That makes their few documents out of ones that other paths are better for; the expected counts Σ softmax do not.
    private static (float[] Biases, int[] Counts) Calibrate(
        TransformedFeatures features, float[] weights, float[] biases, double[] targets, LogisticRouterOptions options, RoutingWork work,
        CancellationToken cancellationToken)
    {
        // At temperature 1 the softened counts are the classifier's own probabilities.
        BiasSearch search = new(features, weights, biases, targets, options.Threads, work);
        switch (options.Calibration)
        {
            case BiasCalibration.Labels:
                search.Run(new float[biases.Length], temperature: 1, options.CalibrationIterations, cancellationToken);
                break;
            case BiasCalibration.Expected:
                search.RunSoft(new float[biases.Length], temperature: 1, options.CalibrationIterations, cancellationToken);
                break;
            default:
                search.CountUnderBiases(cancellationToken);
                break;
        }

        return ([.. biases.Select((bias, k) => bias + search.Biases[k])], search.Counts);
    }

    private static LogisticRouter RouterOf(LogisticRouterOptions options, int[] classes, float[] weights, float[] biases, FeatureTransform transform)
    {
        int width = transform.Width;
        FeatureMatrix all = new(options.Paths.Length, width);
        float[] allBiases = new float[options.Paths.Length];
        // The mean over the labelled classes of w · z + b is never above the highest of them.
        Array.Fill(allBiases, (float)(biases.Sum(bias => (double)bias) / biases.Length) - Never);
        float[] mean = [.. Enumerable.Range(0, width).Select(t => (float)(classes.Select((_, k) => (double)weights[(k * width) + t]).Sum() / classes.Length))];
        for (int column = 0; column < all.Rows; column++)
        {
            mean.CopyTo(all.Row(column));
        }

        for (int k = 0; k < classes.Length; k++)
        {
            weights.AsSpan(k * width, width).CopyTo(all.Row(classes[k]));
            allBiases[classes[k]] = biases[k];
        }

        return new LogisticRouter(options.Paths, all, [.. allBiases], transform, options.PrefixTokens);
    }

    private static int ColumnOf(ImmutableArray<PathId> paths, PathId label) => paths.BinarySearch(label) is int column and >= 0
        ? column
        : throw new ArgumentException($"Path {label} is a document's label, but none of the router's {paths.Length} paths.", nameof(label));

    private static void Validate(LabelledRows documents, LogisticRouterOptions options, IFeatureSource? calibration)
    {
        IFeatureSource features = documents.Features;
        RouterPaths.ThrowIfInvalid(options.Paths);
        ArgumentOutOfRangeException.ThrowIfNotEqual(documents.Labels.Length, features.Rows, nameof(documents));
        ArgumentOutOfRangeException.ThrowIfNotEqual(documents.AllWeights().Length, features.Rows, nameof(documents));
        ArgumentOutOfRangeException.ThrowIfNotEqual(documents.AllOrigins().Length, features.Rows, nameof(documents));
        ArgumentOutOfRangeException.ThrowIfNotEqual(calibration?.Width ?? features.Width, features.Width, nameof(calibration));
        ArgumentOutOfRangeException.ThrowIfLessThan(calibration?.Rows ?? 1, 1, nameof(calibration));
        ArgumentOutOfRangeException.ThrowIfNegative(options.L2 ?? 0);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Folds, 2);
        ArgumentOutOfRangeException.ThrowIfNegative(options.Iterations);
        ArgumentOutOfRangeException.ThrowIfNegative(options.Tolerance);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.CalibrationIterations, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Threads, 1);
        if (documents.Weights.Any(weight => !(weight >= 0 && double.IsFinite(weight))))
        {
            throw new ArgumentException("A document weighs a number that is not finite or below 0.", nameof(documents));
        }

        if (options.Prior is { } prior && (!prior.Paths.AsSpan().SequenceEqual(options.Paths.AsSpan()) || prior.FeatureWidth != features.Width))
        {
            throw new ArgumentException(
                $"The prior is a router of {prior.Paths.Length} paths by {prior.FeatureWidth} features; the {options.Paths.Length} paths of this one, and {features.Width} features, were expected.",
                nameof(options));
        }
    }
}
