using DiPaCo.Core;
using DiPaCo.Model.SafeTensors;

namespace DiPaCo.Model;

/// <summary>
/// A module as a safetensors file: its tensors by name, padding left out. Nothing in the bytes says which expert, path or phase
/// they belong to, so equal parameters are one blob.
/// </summary>
public static class ModuleFile
{
    /// <summary>Writes a module's flat buffer.</summary>
    /// <param name="destination">Receives the file, front to back.</param>
    /// <param name="layout">Where the tensors lie in the buffer.</param>
    /// <param name="flat">The flat buffer, <see cref="ModuleLayout.Length"/> elements.</param>
    public static unsafe void Write(Stream destination, ModuleLayout layout, ReadOnlySpan<float> flat)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(flat.Length, layout.Length);
        fixed (float* start = flat)
        {
            SafeTensorsWriter.Write(destination, Views(layout, start));
        }
    }

    /// <summary>Reads a file into a module's flat buffer, zeros into its padding.</summary>
    /// <param name="path">The file.</param>
    /// <param name="layout">What the file must hold.</param>
    /// <param name="flat">The flat buffer, <see cref="ModuleLayout.Length"/> elements.</param>
    /// <exception cref="SafeTensorsException">The file is not valid, or lacks a tensor, or has one of another shape or type.</exception>
    public static unsafe void Read(string path, ModuleLayout layout, Span<float> flat)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(flat.Length, layout.Length);
        using SafeTensorsReader reader = SafeTensorsReader.Open(path);
        flat.Clear();
        fixed (float* start = flat)
        {
            reader.ReadInto(Views(layout, start));
        }
    }

    private static unsafe TensorMemory[] Views(ModuleLayout layout, float* start) =>
        [.. layout.Tensors.Select(tensor => new TensorMemory(
            TensorSpec.Of(tensor), (nint)(start + tensor.Offset)))];
}
