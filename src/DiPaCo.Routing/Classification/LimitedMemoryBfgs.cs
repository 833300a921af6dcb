namespace DiPaCo.Routing;

/// <summary>
/// L-BFGS (Liu and Nocedal 1989) for smooth convex functions: the two-loop recursion over the last pairs of steps and changes of the
/// gradient, and halving until the decrease is sufficient. In double precision, one thread, the same numbers each time.
/// </summary>
internal sealed class LimitedMemoryBfgs
{
    private const int MostPairs = 10;
    private const int MostHalvings = 30;
    private const double SufficientDecrease = 1e-4;

    private readonly List<(double[] Step, double[] Change, double Product)> _pairs = [];

    /// <summary>The function: the value at a point; the gradient goes into the second argument.</summary>
    public delegate double Function(ReadOnlySpan<double> point, Span<double> gradient);

    /// <summary>The value at the end.</summary>
    public double Value { get; private set; }

    /// <summary>Steps made.</summary>
    public int Iterations { get; private set; }

    /// <summary>Moves a point towards the minimum.</summary>
    /// <param name="function">What is minimised.</param>
    /// <param name="point">Where to begin; receives where it ended, never a point with a higher value.</param>
    /// <param name="iterations">Steps at most.</param>
    /// <param name="tolerance">Ends once the gradient's norm is at most this share of the first gradient's.</param>
    public void Minimize(Function function, double[] point, int iterations, double tolerance)
    {
        double[] gradient = new double[point.Length];
        Value = function(point, gradient);
        double enough = tolerance * Math.Sqrt(Dot(gradient, gradient));
        for (Iterations = 0; Iterations < iterations && Math.Sqrt(Dot(gradient, gradient)) > enough; Iterations++)
        {
            double[] direction = Direction(gradient);
            if (!TryStep(function, point, ref gradient, direction))
            {
                // Rounding hides what is left to gain.
                return;
            }
        }
    }

    private bool TryStep(Function function, double[] point, ref double[] gradient, double[] direction)
    {
        double slope = Dot(gradient, direction);
        // Without a pair the direction has no length that means anything.
        double length = _pairs.Count == 0 ? Math.Min(1, 1 / Math.Sqrt(-slope)) : 1;
        double[] next = new double[point.Length];
        double[] nextGradient = new double[point.Length];
        for (int halving = 0; halving < MostHalvings; halving++, length *= 0.5)
        {
            for (int at = 0; at < next.Length; at++)
            {
                next[at] = point[at] + (length * direction[at]);
            }

            double value = function(next, nextGradient);
            if (value <= Value + (SufficientDecrease * length * slope) && value < Value)
            {
                Remember(point, next, gradient, nextGradient);
                next.CopyTo(point, 0);
                gradient = nextGradient;
                Value = value;
                return true;
            }
        }

        return false;
    }

    private void Remember(double[] point, double[] next, double[] gradient, double[] nextGradient)
    {
        double[] step = Difference(next, point);
        double[] change = Difference(nextGradient, gradient);
        double product = Dot(step, change);
        // A convex function's is positive; one that rounding has spoiled would turn the next direction round.
        if (product > 1e-12 * Math.Sqrt(Dot(step, step) * Dot(change, change)))
        {
            _pairs.Add((step, change, product));
            if (_pairs.Count > MostPairs)
            {
                _pairs.RemoveAt(0);
            }
        }
    }

    // −H · gradient, with H the inverse Hessian as the pairs tell it.
    private double[] Direction(double[] gradient)
    {
        double[] direction = new double[gradient.Length];
        for (int at = 0; at < direction.Length; at++)
        {
            direction[at] = -gradient[at];
        }

        double[] shares = new double[_pairs.Count];
        for (int i = _pairs.Count - 1; i >= 0; i--)
        {
            (double[] step, double[] change, double product) = _pairs[i];
            shares[i] = Dot(step, direction) / product;
            AddScaled(direction, -shares[i], change);
        }

        if (_pairs.Count > 0)
        {
            (_, double[] change, double product) = _pairs[^1];
            double scale = product / Dot(change, change);
            for (int at = 0; at < direction.Length; at++)
            {
                direction[at] *= scale;
            }
        }

        for (int i = 0; i < _pairs.Count; i++)
        {
            (double[] step, double[] change, double product) = _pairs[i];
            AddScaled(direction, shares[i] - (Dot(change, direction) / product), step);
        }

        return direction;
    }

    private static double Dot(double[] x, double[] y)
    {
        double sum = 0;
        for (int at = 0; at < x.Length; at++)
        {
            sum += x[at] * y[at];
        }

        return sum;
    }

    private static void AddScaled(double[] x, double scale, double[] y)
    {
        for (int at = 0; at < x.Length; at++)
        {
            x[at] += scale * y[at];
        }
    }

    private static double[] Difference(double[] x, double[] y)
    {
        double[] difference = new double[x.Length];
        for (int at = 0; at < x.Length; at++)
        {
            difference[at] = x[at] - y[at];
        }

        return difference;
    }
}
