using DiPaCo.Core;
using DiPaCo.Model.Buffers;

namespace DiPaCo.Model;

/// <summary>Fresh parameters of a path.</summary>
internal static class Initializer
{
    private const double Deviation = 0.02;

    public static void Fill(PathParameters parameters, long seed)
    {
        int blocks = parameters.Segments.SelectMany(s => s.Layout.Parts).Count(part => part.Kind == TransformerPartKind.Block);
        // Tensor by tensor: an array of a whole module would stay in .NET's heap of large objects long after.
        float[] values = new float[parameters.Segments.SelectMany(s => s.Layout.Tensors).Max(tensor => tensor.Length)];
        parameters.Buffers.Master.Clear();
        foreach (ParameterSegment segment in parameters.Segments)
        {
            foreach (NamedTensor tensor in segment.Layout.Tensors)
            {
                Span<float> fresh = values.AsSpan(0, (int)tensor.Length);
                Fill(fresh, tensor, seed, blocks);
                FlatCopy.Write<float>(parameters.Buffers.Master, segment.Offset + tensor.Offset, fresh);
            }
        }

        parameters.IsComputeStale = true;
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
