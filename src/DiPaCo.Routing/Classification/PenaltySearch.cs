namespace DiPaCo.Routing;

/// <summary>
/// Chooses the penalty λ of a logistic regression by cross-validation: each part of the documents is predicted by a classifier that has
/// learned from the others, and the λ with the lowest loss wins, the larger among equals.
/// </summary>
internal static class PenaltySearch
{
    /// <summary>Largest λ, and what is taken where there is but one origin and a prior to stay with.</summary>
    public const double Largest = 10;

    /// <summary>What is taken where there is but one origin and no prior.</summary>
    public const double WithoutFolds = 1e-3;

    // 10, 3.2, 1, … 0.0001, until the loss has risen twice.
    private const int Steps = 11;
    private const int Patience = 2;

    /// <summary>Chooses.</summary>
    /// <param name="rows">What is learned from.</param>
    /// <param name="foldOf">The part of each row, from 0 on.</param>
    /// <param name="classes">Number of classes K.</param>
    /// <param name="prior">What the classifier is drawn towards; null: to 0.</param>
    /// <param name="options">Constants of the regressions.</param>
    /// <param name="work">Is told of every pass.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <returns>λ and the mean loss of a row under the classifiers that have not seen it; the latter is null where there is one part only.</returns>
    public static (double L2, double? Loss) Choose(
        LogisticRows rows, int[] foldOf, int classes, LinearScores? prior, LogisticRouterOptions options, RoutingWork work,
        CancellationToken cancellationToken)
    {
        Fold[] folds = [.. Enumerable.Range(0, foldOf.Max() + 1).Select(fold => FoldOf(rows, foldOf, fold, classes, prior, options, work)).OfType<Fold>()];
        if (folds.Length < 2)
        {
            return (prior is null ? WithoutFolds : Largest, null);
        }

        (double L2, double Loss) best = (Largest, double.PositiveInfinity);
        int worse = 0;
        for (int step = 0; step < Steps && worse < Patience; step++)
        {
            double l2 = Largest * Math.Pow(10, -0.5 * step);
            double loss = 0;
            double total = 0;
            foreach (Fold fold in folds)
            {
                fold.Regression.Fit(l2, cancellationToken);
                loss += fold.Regression.LossOf(fold.Held, cancellationToken);
                total += fold.Held.Weights.Sum();
            }

            worse = loss / total < best.Loss ? 0 : worse + 1;
            best = worse == 0 ? (l2, loss / total) : best;
        }

        return best;
    }

    /// <summary>One part held out; null where nothing can be learned or predicted.</summary>
    private static Fold? FoldOf(
        LogisticRows rows, int[] foldOf, int fold, int classes, LinearScores? prior, LogisticRouterOptions options, RoutingWork work)
    {
        int[] seen = [.. Enumerable.Range(0, rows.Count).Where(row => foldOf[row] != fold)];
        bool[] known = new bool[classes];
        foreach (int row in seen)
        {
            known[rows.Classes[row]] = true;
        }

        // Without a prior a classifier knows nothing of a class that it has not seen: how wrong it is there says nothing about λ.
        int[] held = [.. Enumerable.Range(0, rows.Count).Where(row => foldOf[row] == fold && (prior is not null || known[rows.Classes[row]]))];
        LogisticRows training = rows.Select(seen);
        LogisticRows predicted = rows.Select(held);
        return training.Weights.Sum() > 0 && predicted.Weights.Sum() > 0
            ? new Fold(new LogisticRegression(training, classes, prior, options, work), predicted)
            : null;
    }

    private sealed record Fold(LogisticRegression Regression, LogisticRows Held);
}
