using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Routing;

/// <summary>
/// Features and the best path of each document → logistic router (paper §7.2.1): multinomial logistic regression, then biases trained
/// until the router sends documents to paths in the proportions of the labels.
/// </summary>
/// <param name="Router">The router.</param>
/// <param name="Loss">Mean loss and penalty at the end of the regression, in nats a document.</param>
/// <param name="Iterations">Iterations of the regression.</param>
/// <param name="Labels">Documents whose label is each path.</param>
/// <param name="Counts">Documents of the calibration that the router sends to each path.</param>
public sealed record LogisticRouterFit(LogisticRouter Router, double Loss, int Iterations, ImmutableArray<int> Labels, ImmutableArray<int> Counts)
{
    // e⁻³⁰: below every probability that matters, far from what a 32-bit number cannot hold.
    private const float Never = 30;

    /// <summary>
    /// Fits a router. A path that is no document's label is left out of the regression; its score is the mean of the other paths' less
    /// 30 nats, so that no document chooses it, of the training text or of any other, and only a minimum share gives it documents (those
    /// that the router is least sure of).
    /// </summary>
    /// <param name="features">One row a labelled document, n × d.</param>
    /// <param name="labels">The best path of each.</param>
    /// <param name="options">Constants.</param>
    /// <param name="calibration">The documents whose distribution over the paths is matched; null: the labelled ones.</param>
    /// <param name="cancellationToken">Ends the fit.</param>
    /// <exception cref="DiPaCoException">There are no documents, or a feature is not finite.</exception>
    /// <exception cref="ArgumentException">Numbers of labels and documents differ, a label is no path of the router, or an option is out of its range.</exception>
    public static LogisticRouterFit Of(
        IFeatureSource features, ImmutableArray<PathId> labels, LogisticRouterOptions options,
        IFeatureSource? calibration = null, CancellationToken cancellationToken = default)
    {
        Validate(features, labels, options, calibration);
        int[] counts = new int[options.Paths.Length];
        foreach (PathId label in labels)
        {
            counts[ColumnOf(options.Paths, label)]++;
        }

        int[] classes = [.. Enumerable.Range(0, counts.Length).Where(column => counts[column] > 0)];
        int[] classOf = [.. labels.Select(label => Array.BinarySearch(classes, ColumnOf(options.Paths, label)))];
        FeatureTransform transform = FeatureTransform.Fit(features, options.Scaling, options.Threads, cancellationToken);
        LogisticLoss loss = new(new TransformedFeatures(features, transform), classOf, classes.Length, options.L2, options.Threads);
        double[] parameters = new double[loss.Parameters];
        LimitedMemoryBfgs search = new();
        search.Minimize((point, gradient) => loss.Evaluate(point, gradient, cancellationToken), parameters, options.Iterations, options.Tolerance);

        float[] weights = [.. parameters[..loss.Weights].Select(weight => (float)weight)];
        IFeatureSource documents = calibration ?? features;
        (float[] biases, int[] matched) = Calibrate(
            new TransformedFeatures(documents, transform),
            weights,
            [.. parameters[loss.Weights..].Select(bias => (float)bias)],
            [.. classes.Select(column => (double)counts[column] * documents.Rows / features.Rows)],
            options,
            cancellationToken);
        int[] sent = new int[counts.Length];
        for (int k = 0; k < classes.Length; k++)
        {
            sent[classes[k]] = matched[k];
        }

        return new LogisticRouterFit(RouterOf(options, classes, weights, biases, transform), search.Value, search.Iterations, [.. counts], [.. sent]);
    }

    // What is matched are the counts of the highest class, not the expected counts Σ softmax: shards are made by the highest class, and
    // the expected counts of a logistic regression match its labels already (that is what the gradient of its biases being zero means)
    // while rare classes are the highest one nearly nowhere.
    private static (float[] Biases, int[] Counts) Calibrate(
        IFeatureSource features, float[] weights, float[] biases, double[] targets, LogisticRouterOptions options, CancellationToken cancellationToken)
    {
        // At temperature 1 the softened counts are the classifier's own probabilities.
        BiasSearch search = new(features, weights, biases, targets, options.Threads);
        search.Run(new float[biases.Length], temperature: 1, 1 + options.CalibrationIterations, cancellationToken);
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

    private static void Validate(IFeatureSource features, ImmutableArray<PathId> labels, LogisticRouterOptions options, IFeatureSource? calibration)
    {
        RouterPaths.ThrowIfInvalid(options.Paths);
        ArgumentOutOfRangeException.ThrowIfNotEqual(labels.Length, features.Rows, nameof(labels));
        ArgumentOutOfRangeException.ThrowIfNotEqual(calibration?.Width ?? features.Width, features.Width, nameof(calibration));
        ArgumentOutOfRangeException.ThrowIfLessThan(calibration?.Rows ?? 1, 1, nameof(calibration));
        ArgumentOutOfRangeException.ThrowIfNegative(options.L2);
        ArgumentOutOfRangeException.ThrowIfNegative(options.Iterations);
        ArgumentOutOfRangeException.ThrowIfNegative(options.Tolerance);
        ArgumentOutOfRangeException.ThrowIfNegative(options.CalibrationIterations);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Threads, 1);
    }
}
