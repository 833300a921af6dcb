using DiPaCo.Core;

namespace DiPaCo.Model.SafeTensors;

/// <summary>The tensors of a module's flat buffer, for reading and writing files.</summary>
public static class ModuleBuffers
{
    /// <summary>Lists the tensors in the order of the buffer.</summary>
    /// <param name="layout">Where the tensors lie.</param>
    /// <param name="dtype">The buffer's element type.</param>
    /// <param name="address">The buffer's first byte; <see cref="ModuleLayout.Length"/> elements that someone else owns.</param>
    /// <param name="prefix">Precedes every name, for example <c>adam.m.</c> for a buffer of moments.</param>
    public static IReadOnlyList<TensorBuffer> Buffers(this ModuleLayout layout, TensorDType dtype, nint address, string prefix = "") =>
    [
        .. layout.Tensors.Select(tensor => new TensorBuffer(
            new TensorSpec(prefix + tensor.Name, dtype, tensor.Shape.AsSpan()),
            address + (nint)(tensor.Offset * dtype.SizeInBytes()))),
    ];
}
