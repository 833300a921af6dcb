using System.Collections.Concurrent;

namespace DiPaCo.Routing;

/// <summary>
/// The objective of multinomial logistic regression: the mean over the rows of −log softmax(W x + b)[label], plus λ/2 ‖W‖², and its
/// gradient. Products of a block of rows run in single precision, everything that is summed over blocks in double precision, per
/// stripe and then in the order of the stripes; so the bytes do not depend on the number of threads.
/// </summary>
internal sealed class LogisticLoss
{
    private readonly IFeatureSource _features;
    private readonly int[] _labels;
    private readonly int _classes;
    private readonly double _l2;
    private readonly int _threads;
    private readonly Sums[] _stripes;
    private readonly ConcurrentBag<Scratch> _scratch = [];

    /// <summary>Prepares evaluations over the same rows.</summary>
    /// <param name="features">n × d.</param>
    /// <param name="labels">The class of each row, 0 to K − 1.</param>
    /// <param name="classes">Number of classes K.</param>
    /// <param name="l2">λ.</param>
    /// <param name="threads">Threads at most.</param>
    public LogisticLoss(IFeatureSource features, int[] labels, int classes, double l2, int threads)
    {
        _features = features;
        _labels = labels;
        _classes = classes;
        _l2 = l2;
        _threads = threads;
        Weights = checked(classes * features.Width);
        _stripes = new Sums[RowBlocks.Stripes(8L * Weights)];
    }

    /// <summary>Number of weights K · d; they come first among the parameters, row by row, then K biases.</summary>
    public int Weights { get; }

    /// <summary>Number of parameters K · (d + 1).</summary>
    public int Parameters => Weights + _classes;

    /// <summary>The objective at some parameters.</summary>
    /// <param name="parameters">Weights and biases.</param>
    /// <param name="gradient">Receives the gradient.</param>
    /// <param name="cancellationToken">Ends the pass.</param>
    public double Evaluate(ReadOnlySpan<double> parameters, Span<double> gradient, CancellationToken cancellationToken)
    {
        AffineScorer scorer = new(Single(parameters[..Weights]), Single(parameters[Weights..]), _features.Width);
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

    private static float[] Single(ReadOnlySpan<double> values)
    {
        float[] single = new float[values.Length];
        for (int at = 0; at < single.Length; at++)
        {
            single[at] = (float)values[at];
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
            // Scores become ∂loss/∂score = softmax − 1[label].
            Span<float> scores = scratch.Scores.AsSpan(row * scorer.Stride, _classes);
            int label = _labels[first + row];
            float own = scores[label];
            sums.Loss += Softmax.InPlace(scores) - own;
            scores[label] -= 1;
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

        double squares = 0;
        double scale = 1.0 / _features.Rows;
        for (int at = 0; at < gradient.Length; at++)
        {
            double weight = at < Weights ? parameters[at] : 0;
            squares += weight * weight;
            gradient[at] = (gradient[at] * scale) + (_l2 * weight);
        }

        return (loss * scale) + (0.5 * _l2 * squares);
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
