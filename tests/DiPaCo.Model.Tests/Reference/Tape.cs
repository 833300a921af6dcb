namespace DiPaCo.Model.Tests.Reference;

/// <summary>Reverse-mode differentiation of scalars in double precision: each node remembers what it was made of, and the derivative by it.</summary>
internal sealed class Tape
{
    private readonly List<double> _values = [];
    private readonly List<(int Parent, double Derivative)> _edges = [];
    private readonly List<int> _edgeEnds = [];

    public int Constant(double value) => Add(value, []);

    public double Value(int node) => _values[node];

    public int Sum(IEnumerable<int> nodes)
    {
        int[] parts = [.. nodes];
        return Add(parts.Sum(Value), [.. parts.Select(part => (part, 1.0))]);
    }

    public int Dot(ReadOnlySpan<int> a, ReadOnlySpan<int> b)
    {
        double sum = 0;
        List<(int, double)> edges = [];
        for (int i = 0; i < a.Length; i++)
        {
            sum += Value(a[i]) * Value(b[i]);
            edges.Add((a[i], Value(b[i])));
            edges.Add((b[i], Value(a[i])));
        }

        return Add(sum, edges);
    }

    public int Multiply(int a, int b) => Dot([a], [b]);

    public int Scale(int a, double factor) => Add(Value(a) * factor, [(a, factor)]);

    public int Plus(int a, int b) => Sum([a, b]);

    public int Apply(int a, Func<double, double> function, Func<double, double> derivative) =>
        Add(function(Value(a)), [(a, derivative(Value(a)))]);

    /// <summary>Derivatives of <paramref name="node"/> by every node.</summary>
    public double[] Gradient(int node)
    {
        double[] gradient = new double[_values.Count];
        gradient[node] = 1;
        for (int i = node; i >= 0; i--)
        {
            for (int edge = i == 0 ? 0 : _edgeEnds[i - 1]; edge < _edgeEnds[i]; edge++)
            {
                gradient[_edges[edge].Parent] += gradient[i] * _edges[edge].Derivative;
            }
        }

        return gradient;
    }

    private int Add(double value, List<(int Parent, double Derivative)> edges)
    {
        _values.Add(value);
        _edges.AddRange(edges);
        _edgeEnds.Add(_edges.Count);
        return _values.Count - 1;
    }
}
