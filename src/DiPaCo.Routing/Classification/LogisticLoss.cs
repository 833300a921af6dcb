using System.Collections.Concurrent;

namespace DiPaCo.Routing;

/// <summary>
/// The objective of multinomial logistic regression: the weighted mean over the rows of −log softmax(W x + b)[label], plus λ/2 ‖W‖², and its
/// gradient. With a prior w₀ · x + b₀ the classes' scores are (W + a w₀) · x + b + a b₀ with one more parameter a, and λ/2 ‖b‖² is part of
/// the penalty: without anything to learn the prior remains, as sure of itself as the labels make it. Products of a block of rows run in
/// single precision, everything that is summed over blocks in double precision, per stripe and then in the order of the stripes; so the
/// bytes do not depend on the number of threads.
/// </summary>
internal sealed class LogisticLoss
{
    private readonly LogisticRows _rows;
    private readonly IFeatureSource _features;
    private readonly int _classes;
    private readonly double _l2;
    private readonly LinearScores? _prior;
    private readonly int _threads;
    private readonly RoutingWork? _work;
    private readonly double _total;
    private readonly Sums[] _stripes;
    private readonly ConcurrentBag<Scratch> _scratch = [];

    /// <summary>Prepares evaluations over the same rows.</summary>
    /// <param name="rows">Features, classes and weights.</param>
    /// <param name="classes">Number of classes K.</param>
    /// <param name="l2">λ.</param>
    /// <param name="prior">Scores of the K classes that are added; null: none.</param>
    /// <param name="threads">Threads at most.</param>
    /// <param name="work">Is told of every evaluation; null: nobody counts.</param>
    public LogisticLoss(LogisticRows rows, int classes, double l2, LinearScores? prior, int threads, RoutingWork? work = null)
    {
        _rows = rows;
        _features = rows.Features;
        _classes = classes;
        _l2 = l2;
        _prior = prior;
        _threads = threads;
        _work = work;
        _total = rows.Weights.Sum();
        Weights = checked(classes * _features.Width);
        _stripes = new Sums[RowBlocks.Stripes(8L * Weights)];
    }

    /// <summary>Number of weights K · d; they come first among the parameters, row by row, then K biases, then the prior's factor a.</summary>
    public int Weights { get; }

    /// <summary>Number of parameters K · (d + 1), and one more with a prior.</summary>
    public int Parameters => Weights + _classes + (_prior is null ? 0 : 1);

    /// <summary>W + a w₀ and b + a b₀: the classifier that some parameters are.</summary>
    public (float[] Weights, float[] Biases) ClassifierOf(ReadOnlySpan<double> parameters)
    {
        double factor = _prior is null ? 0 : parameters[^1];
        return (
            Single(parameters[..Weights], factor, _prior?.Weights),
            Single(parameters.Slice(Weights, _classes), factor, _prior?.Biases));
    }

    /// <summary>The objective at some parameters.</summary>
    /// <param name="parameters">Weights and biases.</param>
    /// <param name="gradient">Receives the gradient.</param>
    /// <param name="cancellationToken">Ends the pass.</param>
    public double Evaluate(ReadOnlySpan<double> parameters, Span<double> gradient, CancellationToken cancellationToken)
    {
        // A product for the scores, one for the gradient.
        _work?.Add(_features.Rows, _features.Width, 2 * _classes);
        (float[] weights, float[] biases) = ClassifierOf(parameters);
        AffineScorer scorer = new(weights, biases, _features.Width);
        for (int stripe = 0; stripe < _stripes.Length; stripe++)
        {
            _stripes[stripe]?.Clear();
        }

        RowBlocks.Visit(
            _features,
            _stripes.Length,
            _threads,
            (stripe, first, rows) => Add(scorer, _stripes[stripe] ??= new Sums(Weights, _classes), first, rows),
            cancellationToken);
        return Reduce(parameters, gradient);
    }

    private static float[] Single(ReadOnlySpan<double> values, double factor, float[]? prior)
    {
        float[] single = new float[values.Length];
        for (int at = 0; at < single.Length; at++)
        {
            single[at] = (float)(prior is null ? values[at] : values[at] + (factor * prior[at]));
        }

        return single;
    }

    private void Add(AffineScorer scorer, Sums sums, int first, ReadOnlySpan<float> rows)
    {
        int width = _features.Width;
        int count = rows.Length / width;
        Scratch scratch = _scratch.TryTake(out Scratch? free) ? free : new Scratch(scorer.Stride, _classes, width);
        scorer.Score(rows, scratch.Scores);
        for (int row = 0; row < count; row++)
        {
            // Scores become ∂loss/∂score = weight · (softmax − 1[label]).
            Span<float> scores = scratch.Scores.AsSpan(row * scorer.Stride, _classes);
            int label = _rows.Classes[first + row];
            double weight = _rows.Weights[first + row];
            float own = scores[label];
            sums.Loss += weight * (Softmax.InPlace(scores) - own);
            scores[label] -= 1;
            RowMath.Scale(scores, (float)weight);
            RowMath.AddTo(sums.Biases, scores);
        }

        ReadOnlySpan<float> block = scratch.Product.Of(scratch.Scores, scorer.Stride, rows);
        for (int k = 0; k < _classes; k++)
        {
            RowMath.AddTo(sums.Weights.AsSpan(k * width, width), block.Slice(k * scratch.Product.Stride, width));
        }

        _scratch.Add(scratch);
    }

    private double Reduce(ReadOnlySpan<double> parameters, Span<double> gradient)
    {
        double loss = 0;
        gradient.Clear();
        foreach (Sums? sums in _stripes)
        {
            loss += sums?.Loss ?? 0;
            for (int at = 0; sums is not null && at < Weights; at++)
            {
                gradient[at] += sums.Weights[at];
            }

            for (int k = 0; sums is not null && k < _classes; k++)
            {
                gradient[Weights + k] += sums.Biases[k];
            }
        }

        if (_prior is not null)
        {
            gradient[^1] = Product(gradient[..Weights], _prior.Weights) + Product(gradient.Slice(Weights, _classes), _prior.Biases);
        }

        double squares = 0;
        double scale = 1.0 / _total;
        int penalized = _prior is null ? Weights : Weights + _classes;
        for (int at = 0; at < gradient.Length; at++)
        {
            double weight = at < penalized ? parameters[at] : 0;
            squares += weight * weight;
            gradient[at] = (gradient[at] * scale) + (_l2 * weight);
        }

        return (loss * scale) + (0.5 * _l2 * squares);
    }

    private static double Product(ReadOnlySpan<double> x, float[] y)
    {
        double sum = 0;
        for (int at = 0; at < y.Length; at++)
        {
            sum += x[at] * y[at];
        }

        return sum;
    }

    private sealed class Sums(int weights, int classes)
    {
        public double[] Weights { get; } = new double[weights];

        public double[] Biases { get; } = new double[classes];

        public double Loss { get; set; }

        public void Clear()
        {
            Array.Clear(Weights);
            Array.Clear(Biases);
            Loss = 0;
        }
    }

    private sealed class Scratch(int stride, int classes, int width)
    {
        public float[] Scores { get; } = new float[RowBlocks.Rows * stride];

        public TransposedProduct Product { get; } = new(RowBlocks.Rows, classes, width);
    }
}
