using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace DiPaCo.Model.Buffers;

/// <summary>Copies between flat fp32 buffers and .NET memory, on whatever device the buffer lives.</summary>
internal static unsafe class FlatCopy
{
    /// <summary>Copies one module's elements out.</summary>
    public static void Read(TensorBuffer flat, ParameterSegment segment, Span<float> destination) =>
        Read(flat, segment.Offset, Exactly(segment.Length, destination.Length, destination));

    /// <summary>Copies one module's elements in.</summary>
    public static void Write(TensorBuffer flat, ParameterSegment segment, ReadOnlySpan<float> source)
    {
        if (source.Length != segment.Length)
        {
            throw Mismatch(segment.Length, source.Length);
        }

        Write(flat, segment.Offset, source);
    }

    public static void Read<T>(TensorBuffer flat, long offset, Span<T> destination)
        where T : unmanaged
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor slice = flat.Value.view(-1).narrow(0, offset, destination.Length).cpu();
        MemoryMarshal.Cast<byte, T>(slice.bytes).CopyTo(destination);
    }

    public static void Write<T>(TensorBuffer flat, long offset, ReadOnlySpan<T> source)
        where T : unmanaged
    {
        if (flat.Value.device_type == DeviceType.CPU)
        {
            source.CopyTo(new Span<T>((T*)flat.Pointer + offset, source.Length));
            return;
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor staged = empty([source.Length], dtype: flat.Type);
        source.CopyTo(MemoryMarshal.Cast<byte, T>(staged.bytes));
        flat.Value.view(-1).narrow(0, offset, source.Length).copy_(staged);
    }

    private static Span<float> Exactly(long expected, int actual, Span<float> span) =>
        expected == actual ? span : throw Mismatch(expected, actual);

    private static ArgumentException Mismatch(long expected, int actual) =>
        new($"The module has {expected} elements, padding included, but {actual} were given.");
}
