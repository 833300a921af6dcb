namespace DiPaCo.Routing;

/// <summary>Multinomial logistic regression on the same rows with one penalty after another, each from where the one before has ended.</summary>
/// <param name="rows">What is learned from.</param>
/// <param name="classes">Number of classes K.</param>
/// <param name="prior">What the classifier is drawn towards; null: to 0.</param>
/// <param name="options">Iterations, tolerance, threads.</param>
/// <param name="work">Is told of every pass.</param>
internal sealed class LogisticRegression(LogisticRows rows, int classes, LinearScores? prior, LogisticRouterOptions options, RoutingWork work)
{
    private double[]? _parameters;

    /// <summary>Fits a classifier.</summary>
    /// <param name="l2">λ.</param>
    /// <param name="cancellationToken">Ends the fit.</param>
    /// <returns>The objective at the end, and the iterations made.</returns>
    public (double Loss, int Iterations) Fit(double l2, CancellationToken cancellationToken)
    {
        LogisticLoss loss = new(rows, classes, l2, prior, options.Threads, work);
        if (_parameters is null)
        {
            _parameters = new double[loss.Parameters];
            if (prior is not null)
            {
                _parameters[^1] = 1;
            }
        }

        LimitedMemoryBfgs search = new();
        search.Minimize((point, gradient) => loss.Evaluate(point, gradient, cancellationToken), _parameters, options.Iterations, options.Tolerance);
        return (search.Value, search.Iterations);
    }

    /// <summary>The weighted sum of the losses of other rows, without the penalty.</summary>
    public double LossOf(LogisticRows others, CancellationToken cancellationToken)
    {
        LogisticLoss loss = new(others, classes, 0, prior, options.Threads, work);
        return loss.Evaluate(Fitted, new double[loss.Parameters], cancellationToken) * others.Weights.Sum();
    }

    /// <summary>The classifier: K × d weights, K biases.</summary>
    public (float[] Weights, float[] Biases) Classifier() => new LogisticLoss(rows, classes, 0, prior, options.Threads).ClassifierOf(Fitted);

    /// <summary>How much of the prior the classifier has; 0 without one.</summary>
    public double PriorFactor => prior is null ? 0 : Fitted[^1];

    private double[] Fitted => _parameters ?? throw new InvalidOperationException("Nothing has been fitted yet.");
}
