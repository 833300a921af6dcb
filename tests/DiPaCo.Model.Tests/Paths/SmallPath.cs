using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model.Kernels.Composed;
using DiPaCo.Model.Native;

namespace DiPaCo.Model.Tests.Paths;

/// <summary>Paths small enough for a naive reference, with parameters large enough to matter.</summary>
internal static class SmallPath
{
    public static TransformerShape Shape { get; } = new()
    {
        Vocabulary = 53, Blocks = 2, Width = 32, Heads = 2, KeyValueHeads = 2, HeadWidth = 16, FeedForward = 64,
    };

    public static PathModel Create(TransformerShape shape, ComputeOptions options, bool composed = false)
    {
        TorchLibrary.Initialize();
        PathModel model = new(shape, ModelTopology.Dense(shape).Modules, options, composed ? new ComposedKernels(shape, TorchSharp.torch.CPU, largestScores: 1) : null);
        foreach (ParameterSegment segment in model.Parameters.Segments)
        {
            RandomStream random = new(7, "small-path");
            float[] values = new float[segment.Length];
            foreach (NamedTensor tensor in segment.Layout.Tensors)
            {
                for (long i = tensor.Offset; i < tensor.Offset + tensor.Length; i++)
                {
                    values[i] = (float)(tensor.IsMatrix ? 0.2 * random.NextGaussian() : 1 + (0.2 * random.NextGaussian()));
                }
            }

            model.Parameters.Write(segment.Module, values);
        }

        return model;
    }

    public static PathModel Create(ComputeType type, bool composed = false) => Create(Shape, new ComputeOptions { Type = type }, composed);

    public static (int[] Tokens, int[] Targets) Batch(int sequences, int length, long seed = 3)
    {
        RandomStream random = new(seed, "batch");
        int[] tokens = [.. Enumerable.Range(0, sequences * length).Select(_ => random.NextInt32(Shape.Vocabulary))];
        int[] targets = [.. Enumerable.Range(0, sequences * length).Select(i => i % 5 == 3 ? -1 : random.NextInt32(Shape.Vocabulary))];
        return (tokens, targets);
    }

    /// <summary>Each tensor's part of a flat buffer.</summary>
    public static Dictionary<string, float[]> Tensors(PathModel model, Func<PathParameters, ModuleId, float[]> read) =>
        model.Parameters.Segments.SelectMany(segment => segment.Layout.Tensors.Select(
            tensor => (tensor.Name, Values: read(model.Parameters, segment.Module).AsSpan((int)tensor.Offset, (int)tensor.Length).ToArray())))
            .ToDictionary(entry => entry.Name, entry => entry.Values);

    public static Dictionary<string, float[]> Parameters(PathModel model) => Tensors(model, (p, id) => p.ParametersOf(id).ToArray());

    public static Dictionary<string, float[]> Gradients(PathModel model) => Tensors(model, (p, id) => p.GradientsOf(id).ToArray());

    /// <summary>‖a − b‖ / ‖b‖.</summary>
    public static double Error(IEnumerable<float> actual, IEnumerable<double> expected)
    {
        double difference = 0;
        double size = 0;
        foreach ((float a, double e) in actual.Zip(expected))
        {
            difference += (a - e) * (a - e);
            size += e * e;
        }

        return Math.Sqrt(difference / Math.Max(size, 1e-30));
    }
}
