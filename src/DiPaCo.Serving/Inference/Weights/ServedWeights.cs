using DiPaCo.Core;
using DiPaCo.Runtime;

namespace DiPaCo.Serving.Inference;

/// <summary>Weights as the engine has them once it has stored them in a type: what it costs can be measured in any evaluation.</summary>
/// <param name="type">The type.</param>
public sealed unsafe class ServedWeights(WeightType type) : IWeightRounding
{
    /// <inheritdoc/>
    public string Name => $"{(type == WeightType.Q8 ? "int8" : type == WeightType.Bf16 ? "bf16" : "fp32")} weights";

    /// <inheritdoc/>
    public void Round(ModuleLayout layout, Span<float> flat)
    {
        foreach (NamedTensor tensor in layout.Tensors.Where(tensor => tensor.IsMatrix))
        {
            using NativeBlock memory = new(PackedMatrix.BytesOf(tensor.Rows, tensor.Columns, type));
            using NativeBlock scales = new(tensor.Rows * (long)sizeof(float));
            using NativeBlock row = new(PackedMatrix.PaddedOf(tensor.Columns) * (long)sizeof(float));
            Span<float> values = flat.Slice((int)tensor.Offset, (int)tensor.Length);
            PackedMatrix matrix = new((byte*)memory.Pointer, scales.Floats, tensor.Rows, tensor.Columns, type);
            fixed (float* source = values)
            {
                matrix.Pack(source);
            }

            for (int at = 0; at < tensor.Rows; at++)
            {
                matrix.Unpack(at, row.Floats);
                new ReadOnlySpan<float>(row.Floats, tensor.Columns).CopyTo(values[(at * tensor.Columns)..]);
            }
        }
    }
}
