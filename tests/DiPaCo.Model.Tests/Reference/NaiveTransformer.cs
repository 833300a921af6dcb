using DiPaCo.Core;

namespace DiPaCo.Model.Tests.Reference;

/// <summary>The transformer as its formulas, one scalar at a time in double precision, without any of the product's code.</summary>
internal sealed class NaiveTransformer
{
    private readonly Tape _tape = new();
    private readonly TransformerShape _shape;
    private readonly Dictionary<string, int[]> _nodes = [];

    public NaiveTransformer(TransformerShape shape, IReadOnlyDictionary<string, float[]> tensors)
    {
        _shape = shape;
        foreach ((string name, float[] values) in tensors)
        {
            _nodes[name] = [.. values.Select(value => _tape.Constant(value))];
        }
    }

    /// <summary>Loss of each position, hidden states after the last block, and gradient of scale · sum of losses by every tensor.</summary>
    public (double[] Losses, double[][] Hidden, Dictionary<string, double[]> Gradients) Run(int[] tokens, int[] targets, int length, double scale)
    {
        List<int> losses = [];
        List<double[]> hidden = [];
        for (int first = 0; first < tokens.Length; first += length)
        {
            int[][] x = [.. Enumerable.Range(first, length).Select(m => Row(TensorNames.Embedding, tokens[m], _shape.Width))];
            for (int block = 0; block < _shape.Blocks; block++)
            {
                x = Block(x, block);
            }

            hidden.AddRange(x.Select(row => row.Select(_tape.Value).ToArray()));
            string head = _shape.TiedEmbedding ? TensorNames.Embedding : TensorNames.Head;
            for (int t = 0; t < length; t++)
            {
                int[] logits = Linear(Norm(x[t], TensorNames.FinalNorm), head, _shape.Vocabulary);
                losses.Add(targets[first + t] < 0 ? _tape.Constant(0) : Loss(logits, targets[first + t]));
            }
        }

        double[] gradient = _tape.Gradient(_tape.Scale(_tape.Sum(losses), scale));
        return (
            [.. losses.Select(_tape.Value)],
            [.. hidden],
            _nodes.ToDictionary(entry => entry.Key, entry => entry.Value.Select(node => gradient[node]).ToArray()));
    }

    private int[][] Block(int[][] x, int block)
    {
        int[][] qkv = [.. x.Select(row => Linear(Norm(row, TensorNames.AttentionNorm(block)), TensorNames.Qkv(block), _shape.QkvRows))];
        int[][] mid = [.. Attention(qkv).Zip(x, (heads, row) => Add(row, Linear(heads, TensorNames.AttentionOutput(block), _shape.Width)))];
        return [.. mid.Select(row => Add(row, FeedForward(Norm(row, TensorNames.FeedForwardNorm(block)), block)))];
    }

    private int[] FeedForward(int[] input, int block)
    {
        int[] up = Linear(input, TensorNames.Up(block), _shape.UpRows);
        int f = _shape.FeedForward;
        int[] inner = _shape.Activation == Activation.SwiGlu
            ? [.. Enumerable.Range(0, f).Select(i => _tape.Multiply(_tape.Multiply(up[i], Sigmoid(up[i])), up[f + i]))]
            : [.. up.Select(Gelu)];
        return Linear(inner, TensorNames.Down(block), _shape.Width);
    }

    private int[][] Attention(int[][] qkv)
    {
        int width = _shape.HeadWidth;
        int group = _shape.Heads / _shape.KeyValueHeads;
        int[][] output = [.. qkv.Select(_ => new int[_shape.Heads * width])];
        for (int head = 0; head < _shape.Heads; head++)
        {
            int key = _shape.Heads + (head / group);
            int value = key + _shape.KeyValueHeads;
            int[][] q = [.. qkv.Select((row, t) => Rotate(row[(head * width)..((head + 1) * width)], t))];
            int[][] k = [.. qkv.Select((row, t) => Rotate(row[(key * width)..((key + 1) * width)], t))];
            for (int t = 0; t < qkv.Length; t++)
            {
                int[] scores = [.. Enumerable.Range(0, t + 1).Select(s => _tape.Scale(_tape.Dot(q[t], k[s]), 1 / Math.Sqrt(width)))];
                int[] weights = Softmax(scores);
                for (int d = 0; d < width; d++)
                {
                    int[] column = [.. Enumerable.Range(0, t + 1).Select(s => qkv[s][(value * width) + d])];
                    output[t][(head * width) + d] = _tape.Dot(weights, column);
                }
            }
        }

        return output;
    }

    private int[] Rotate(int[] row, int t)
    {
        int half = row.Length / 2;
        int[] rotated = new int[row.Length];
        for (int d = 0; d < half; d++)
        {
            double angle = t * Math.Pow(_shape.RopeBase, -2.0 * d / row.Length);
            rotated[d] = _tape.Plus(_tape.Scale(row[d], Math.Cos(angle)), _tape.Scale(row[half + d], -Math.Sin(angle)));
            rotated[half + d] = _tape.Plus(_tape.Scale(row[half + d], Math.Cos(angle)), _tape.Scale(row[d], Math.Sin(angle)));
        }

        return rotated;
    }

    private int[] Norm(int[] row, string gain)
    {
        int meanSquare = _tape.Plus(_tape.Scale(_tape.Dot(row, row), 1.0 / row.Length), _tape.Constant(_shape.NormEpsilon));
        int inverseRoot = _tape.Apply(meanSquare, x => 1 / Math.Sqrt(x), x => -0.5 / (x * Math.Sqrt(x)));
        return [.. row.Select((x, d) => _tape.Multiply(_tape.Multiply(x, inverseRoot), _nodes[gain][d]))];
    }

    private int[] Softmax(int[] scores)
    {
        double largest = scores.Max(_tape.Value);
        int[] exponentials = [.. scores.Select(score => _tape.Apply(score, x => Math.Exp(x - largest), x => Math.Exp(x - largest)))];
        int inverse = _tape.Apply(_tape.Sum(exponentials), x => 1 / x, x => -1 / (x * x));
        return [.. exponentials.Select(e => _tape.Multiply(e, inverse))];
    }

    private int Loss(int[] logits, int target) =>
        _tape.Apply(Softmax(logits)[target], x => -Math.Log(x), x => -1 / x);

    private int Sigmoid(int x) =>
        _tape.Apply(x, v => 1 / (1 + Math.Exp(-v)), v => Math.Exp(-v) / Math.Pow(1 + Math.Exp(-v), 2));

    private int Gelu(int x)
    {
        int cube = _tape.Multiply(x, _tape.Multiply(x, x));
        int argument = _tape.Scale(_tape.Plus(x, _tape.Scale(cube, 0.044715)), Math.Sqrt(2 / Math.PI));
        int tanh = _tape.Apply(argument, Math.Tanh, v => 1 - Math.Pow(Math.Tanh(v), 2));
        return _tape.Scale(_tape.Multiply(x, _tape.Plus(_tape.Constant(1), tanh)), 0.5);
    }

    private int[] Linear(int[] x, string name, int rows) =>
        [.. Enumerable.Range(0, rows).Select(r => _tape.Dot(Row(name, r, x.Length), x))];

    private int[] Row(string name, int row, int width) => _nodes[name][(row * width)..((row + 1) * width)];

    private int[] Add(int[] a, int[] b) => [.. a.Zip(b, _tape.Plus)];
}
