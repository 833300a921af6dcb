using System.Runtime.InteropServices;
using DiPaCo.Core;
using DiPaCo.Model.SafeTensors;

namespace DiPaCo.Model;

/// <summary>
/// A module as a safetensors file: its tensors by name, padding left out. Nothing in the bytes says which expert, path or phase
/// they belong to, so equal parameters are one blob.
/// </summary>
public static class ModuleFile
{
    private const int RoundedAtOnce = 1 << 16;

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

    /// <summary>Writes a module's flat buffer rounded to bfloat16: half the bytes, as a version that paths train from may be.</summary>
    /// <param name="destination">Receives the file, front to back.</param>
    /// <param name="layout">Where the tensors lie in the buffer.</param>
    /// <param name="flat">The flat buffer, <see cref="ModuleLayout.Length"/> finite elements.</param>
    public static void WriteRounded(Stream destination, ModuleLayout layout, ReadOnlySpan<float> flat)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(flat.Length, layout.Length);
        SafeTensorsWriter writer = new(destination, [.. layout.Tensors.Select(tensor => TensorSpec.Of(tensor, TensorDType.BF16))]);
        ushort[] halves = new ushort[RoundedAtOnce];
        foreach (NamedTensor tensor in layout.Tensors)
        {
            for (long first = 0; first < tensor.Length; first += halves.Length)
            {
                int count = (int)Math.Min(halves.Length, tensor.Length - first);
                Bf16Rounding.Round(flat.Slice((int)(tensor.Offset + first), count), halves);
                writer.Append(MemoryMarshal.AsBytes(halves.AsSpan(0, count)));
            }
        }

        writer.Complete();
    }

    /// <summary>Reads a file into a module's flat buffer, zeros into its padding. The file may be rounded (<see cref="WriteRounded"/>).</summary>
    /// <param name="path">The file.</param>
    /// <param name="layout">What the file must hold.</param>
    /// <param name="flat">The flat buffer, <see cref="ModuleLayout.Length"/> elements.</param>
    /// <exception cref="SafeTensorsException">The file is not valid, or lacks a tensor, or has one of another shape or type.</exception>
    public static unsafe void Read(string path, ModuleLayout layout, Span<float> flat)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(flat.Length, layout.Length);
        using SafeTensorsReader reader = SafeTensorsReader.Open(path);
        flat.Clear();
        if (IsRounded(reader))
        {
            foreach (NamedTensor tensor in layout.Tensors)
            {
                ReadRounded(reader, tensor, 0, flat.Slice((int)tensor.Offset, (int)tensor.Length));
            }

            return;
        }

        fixed (float* start = flat)
        {
            reader.ReadInto(Views(layout, start));
        }
    }

    /// <summary>Whether a file is rounded; one that is so in part is refused when it is read.</summary>
    internal static bool IsRounded(SafeTensorsReader reader) => reader.Tensors is [{ Spec.DType: TensorDType.BF16 }, ..];

    /// <summary>Reads elements of a rounded tensor.</summary>
    internal static void ReadRounded(SafeTensorsReader reader, NamedTensor tensor, long first, Span<float> destination)
    {
        reader.ReadPart(TensorSpec.Of(tensor, TensorDType.BF16), first, MemoryMarshal.Cast<float, ushort>(destination)[destination.Length..]);
        Bf16Rounding.WidenInPlace(destination);
    }

    private static unsafe TensorMemory[] Views(ModuleLayout layout, float* start) =>
        [.. layout.Tensors.Select(tensor => new TensorMemory(
            TensorSpec.Of(tensor), (nint)(start + tensor.Offset)))];
}
