using System.Buffers;

namespace DiPaCo.Routing;

/// <summary>
/// One bias per class under which the classes are the highest ones, argmax_p (s_p + b_p), of as many rows as their targets say; the
/// scores s_p = w_p · x + β_p are those of a linear classifier, or of k-means (w = 2c, β = −‖c‖²).
/// <para>
/// The biases are the prices of a transport problem: give every row a class, no class more rows than its target, with the highest sum
/// of scores. Its dual Σ_rows max_p (s_p + b_p) − Σ_p target_p b_p is convex, but has kinks. So max is softened to ε log Σ exp(·/ε),
/// whose gradient is the expected count less the target, and minimised by L-BFGS for smaller and smaller temperatures ε, each from
/// where the one before has ended (entropic transport, annealed), until the counts of the highest class itself are near the
/// targets. One evaluation is one pass over the rows; nothing is remembered of them.
/// </para>
/// </summary>
internal sealed class BiasSearch
{
    private const double Cooling = 0.25;
    private const double Coldest = 1e-5;
    private const int IterationsPerTemperature = 12;
    private const double EnoughPerTemperature = 0.1;
    private const double EnoughOfSoft = 1e-4;

    // A power below e⁻²⁴ is less than the rounding of a sum that begins with 1.
    private const float SmallestExponent = -24;

    private readonly IFeatureSource _features;
    private readonly float[] _weights;
    private readonly float[] _offsets;
    private readonly double[] _targets;
    private readonly int _threads;
    private readonly RoutingWork? _work;
    private (int Empty, double Distance) _best = (int.MaxValue, double.PositiveInfinity);
    private int _passesLeft;
    private bool _near;
    private bool _soft;

    /// <summary>Prepares a search.</summary>
    /// <param name="features">n × d.</param>
    /// <param name="weights">Classes × d.</param>
    /// <param name="offsets">β, one number per class.</param>
    /// <param name="targets">Rows that each class shall have: positive, n in sum.</param>
    /// <param name="threads">Threads at most; the result does not depend on it.</param>
    /// <param name="work">Is told of every pass; null: nobody counts.</param>
    public BiasSearch(IFeatureSource features, float[] weights, float[] offsets, double[] targets, int threads, RoutingWork? work = null)
    {
        _work = work;
        _features = features;
        _weights = weights;
        _offsets = offsets;
        _targets = targets;
        _threads = threads;
        Biases = new float[targets.Length];
        Counts = new int[targets.Length];
    }

    /// <summary>The best biases that were tried: those with the fewest empty classes, and among them the smallest Σ|count − target|.</summary>
    public float[] Biases { get; }

    /// <summary>Rows of each class under <see cref="Biases"/>.</summary>
    public int[] Counts { get; }

    /// <summary>
    /// How far a class may be from its target: half the standard deviation √target of a count that was drawn with that mean, or one row.
    /// Nearer would fit the biases to chance.
    /// </summary>
    public static double ToleranceOf(double target) => Math.Max(1, 0.5 * Math.Sqrt(target));

    /// <summary>Searches.</summary>
    /// <param name="start">First biases.</param>
    /// <param name="temperature">First ε, in the unit of the scores; positive. Rows whose best two scores are so near are divided softly.</param>
    /// <param name="passes">Passes over the rows at most; the first counts under <paramref name="start"/>.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <returns>Whether every class came as near its target as it has to.</returns>
    public bool Run(ReadOnlySpan<float> start, double temperature, int passes, CancellationToken cancellationToken)
    {
        double[] biases = [.. start.ToArray().Select(bias => (double)bias)];
        (_passesLeft, _near, _soft) = (passes, false, false);
        _best = (int.MaxValue, double.PositiveInfinity);
        double coldest = temperature * Coldest;
        for (double epsilon = temperature; _passesLeft > 0 && !_near && epsilon >= coldest; epsilon *= Cooling)
        {
            AtTemperature(epsilon, biases, IterationsPerTemperature, EnoughPerTemperature, cancellationToken);
        }

        return _near;
    }

    /// <summary>
    /// Searches at one temperature: the expected counts Σ_rows softmax((s + b) / ε), not those of the highest class, are brought to the
    /// targets. <see cref="Biases"/> is where that ends, <see cref="Counts"/> the highest classes there.
    /// </summary>
    /// <param name="start">First biases.</param>
    /// <param name="temperature">ε, in the unit of the scores; positive.</param>
    /// <param name="passes">Passes over the rows at most, and one more.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    public void RunSoft(ReadOnlySpan<float> start, double temperature, int passes, CancellationToken cancellationToken)
    {
        double[] biases = [.. start.ToArray().Select(bias => (double)bias)];
        (_passesLeft, _near, _soft) = (passes, false, true);
        AtTemperature(temperature, biases, passes, EnoughOfSoft, cancellationToken);
        for (int p = 0; p < biases.Length; p++)
        {
            Biases[p] = (float)biases[p];
        }

        CountUnderBiases(cancellationToken);
    }

    /// <summary>Counts the highest classes under <see cref="Biases"/> as they are: zeros before any search.</summary>
    /// <param name="cancellationToken">Ends the pass.</param>
    public void CountUnderBiases(CancellationToken cancellationToken) => Pass(Biases, 1, cancellationToken).Hard.CopyTo(Counts, 0);

    // In v = b / ε · √share the second derivatives are about 1 for every class, small and large.
    private void AtTemperature(double epsilon, double[] biases, int iterations, double enough, CancellationToken cancellationToken)
    {
        double[] root = [.. _targets.Select(target => Math.Sqrt(target / _features.Rows))];
        double[] point = [.. biases.Select((bias, p) => bias / epsilon * root[p])];
        LimitedMemoryBfgs search = new();
        search.Minimize(Soft, point, iterations, enough);
        for (int p = 0; p < biases.Length; p++)
        {
            biases[p] = point[p] * epsilon / root[p];
        }

        double Soft(ReadOnlySpan<double> v, Span<double> gradient)
        {
            // Once the search is over every further point looks worse, which ends the minimisation.
            if (_near || _passesLeft-- <= 0)
            {
                return double.PositiveInfinity;
            }

            float[] tried = new float[v.Length];
            for (int p = 0; p < tried.Length; p++)
            {
                tried[p] = (float)(v[p] * epsilon / root[p]);
            }

            double value = Dual(tried, epsilon, gradient, out int[] counts, cancellationToken);
            if (!_soft)
            {
                Keep(tried, counts);
            }

            for (int p = 0; p < tried.Length; p++)
            {
                gradient[p] = gradient[p] / _features.Rows / root[p];
            }

            return value / _features.Rows;
        }
    }

    /// <summary>The softened dual, divided by ε: Σ_rows log Σ_p exp((s_p + b_p) / ε) − Σ_p target_p b_p / ε.</summary>
    /// <param name="biases">b.</param>
    /// <param name="epsilon">ε, in the unit of the scores.</param>
    /// <param name="gradient">Takes its derivatives by b / ε: expected rows of each class less its target.</param>
    /// <param name="counts">Rows whose highest class each is.</param>
    /// <param name="cancellationToken">Ends the pass.</param>
    internal double Dual(float[] biases, double epsilon, Span<double> gradient, out int[] counts, CancellationToken cancellationToken)
    {
        SoftCounts sums = Pass(biases, epsilon, cancellationToken);
        counts = sums.Hard;
        double value = sums.Value / epsilon;
        for (int p = 0; p < biases.Length; p++)
        {
            value -= _targets[p] * biases[p] / epsilon;
            gradient[p] = sums.Soft[p] - _targets[p];
        }

        return value;
    }

    private void Keep(float[] tried, int[] counts)
    {
        int empty = 0;
        double distance = 0;
        bool near = true;
        for (int p = 0; p < counts.Length; p++)
        {
            double difference = Math.Abs(counts[p] - _targets[p]);
            distance += difference;
            empty += counts[p] == 0 ? 1 : 0;
            near &= difference <= ToleranceOf(_targets[p]);
        }

        near &= empty == 0;
        if (near || (empty, distance).CompareTo(_best) < 0)
        {
            _best = (empty, distance);
            _near = near;
            tried.CopyTo(Biases, 0);
            counts.CopyTo(Counts, 0);
        }
    }

    private SoftCounts Pass(float[] biases, double epsilon, CancellationToken cancellationToken)
    {
        _work?.Add(_features.Rows, _features.Width, biases.Length);
        float[] offsets = [.. _offsets.Select((offset, p) => offset + biases[p])];
        AffineScorer scorer = new(_weights, offsets, _features.Width);
        SoftCounts[] stripes = [.. Enumerable.Range(0, RowBlocks.Stripes(24L * biases.Length)).Select(_ => new SoftCounts(biases.Length))];
        RowBlocks.Visit(
            _features,
            stripes.Length,
            _threads,
            (stripe, _, rows) =>
            {
                int count = rows.Length / _features.Width;
                float[] scores = ArrayPool<float>.Shared.Rent(count * scorer.Stride);
                scorer.Score(rows, scores);
                for (int row = 0; row < count; row++)
                {
                    stripes[stripe].Add(scores.AsSpan(row * scorer.Stride, biases.Length), (float)(1 / epsilon), SmallestExponent);
                }

                ArrayPool<float>.Shared.Return(scores);
            },
            cancellationToken);
        SoftCounts total = new(biases.Length);
        foreach (SoftCounts stripe in stripes)
        {
            total.Add(stripe, epsilon);
        }

        return total;
    }

    /// <summary>Sums of a pass.</summary>
    private sealed class SoftCounts(int classes)
    {
        private double _largest;
        private double _logSums;

        /// <summary>Expected rows of each class.</summary>
        public double[] Soft { get; } = new double[classes];

        /// <summary>Rows whose highest class each is.</summary>
        public int[] Hard { get; } = new int[classes];

        /// <summary>Σ ε log Σ exp(score / ε), of a total.</summary>
        public double Value { get; private set; }

        public void Add(Span<float> scores, float inverse, float smallest)
        {
            int best = RouterExtensions.BestOf(scores);
            float largest = scores[best];
            double sum = 0;
            for (int p = 0; p < scores.Length; p++)
            {
                float exponent = (scores[p] - largest) * inverse;
                scores[p] = exponent > smallest ? MathF.Exp(exponent) : 0;
                sum += scores[p];
            }

            double scale = 1 / sum;
            for (int p = 0; p < scores.Length; p++)
            {
                Soft[p] += scores[p] * scale;
            }

            Hard[best]++;
            _largest += largest;
            _logSums += Math.Log(sum);
        }

        public void Add(SoftCounts stripe, double epsilon)
        {
            for (int p = 0; p < Soft.Length; p++)
            {
                Soft[p] += stripe.Soft[p];
                Hard[p] += stripe.Hard[p];
            }

            Value += stripe._largest + (epsilon * stripe._logSums);
        }
    }
}
