using DiPaCo.Core;

namespace DiPaCo.Model;

/// <summary>Fresh parameters of a path.</summary>
internal static class Initializer
{
    private const double Deviation = 0.02;

    public static void Fill(PathParameters parameters, long seed)
    {
        int blocks = parameters.Segments.SelectMany(s => s.Layout.Parts).Count(part => part.Kind == TransformerPartKind.Block);
        foreach (ParameterSegment segment in parameters.Segments)
        {
            float[] values = new float[segment.Length];
            foreach (NamedTensor tensor in segment.Layout.Tensors)
            {
                Fill(values.AsSpan((int)tensor.Offset, (int)tensor.Length), tensor, seed, blocks);
            }

            parameters.Write(segment.Module, values);
        }
    }

    private static void Fill(Span<float> values, NamedTensor tensor, long seed, int blocks)
    {
        if (!tensor.IsMatrix)
        {
            values.Fill(1);
            return;
        }

        double deviation = WritesToResidual(tensor.Name) ? Deviation / Math.Sqrt(2.0 * blocks) : Deviation;
        RandomStream random = new(seed, $"initialize/{tensor.Name}");
        foreach (ref float value in values)
        {
            value = (float)(deviation * random.NextGaussian());
        }
    }

    private static bool WritesToResidual(string name) =>
        name.EndsWith("o_proj.weight", StringComparison.Ordinal) || name.EndsWith("down_proj.weight", StringComparison.Ordinal);
}
