using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace DiPaCo.Model.Buffers;

/// <summary>Copies between flat fp32 buffers and .NET memory, on whatever device the buffer lives.</summary>
internal static unsafe class FlatCopy
{
    // Elements; the bytes of a staged piece must fit into one span.
    private const int LargestPiece = 1 << 26;

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
        if (flat.Value.device_type == DeviceType.CPU)
        {
            new ReadOnlySpan<T>((T*)flat.Pointer + offset, destination.Length).CopyTo(destination);
            return;
        }

        for (int done = 0; done < destination.Length; done += LargestPiece)
        {
            Span<T> piece = destination.Slice(done, Math.Min(LargestPiece, destination.Length - done));
            using DisposeScope scope = NewDisposeScope();
            Tensor staged = flat.Value.view(-1).narrow(0, offset + done, piece.Length).cpu();
            MemoryMarshal.Cast<byte, T>(staged.bytes).CopyTo(piece);
        }
    }

    public static void Write<T>(TensorBuffer flat, long offset, ReadOnlySpan<T> source)
        where T : unmanaged
    {
        if (flat.Value.device_type == DeviceType.CPU)
        {
            source.CopyTo(new Span<T>((T*)flat.Pointer + offset, source.Length));
            return;
        }

        for (int done = 0; done < source.Length; done += LargestPiece)
        {
            ReadOnlySpan<T> piece = source.Slice(done, Math.Min(LargestPiece, source.Length - done));
            using DisposeScope scope = NewDisposeScope();
            Tensor staged = empty([piece.Length], dtype: flat.Type);
            piece.CopyTo(MemoryMarshal.Cast<byte, T>(staged.bytes));
            flat.Value.view(-1).narrow(0, offset + done, piece.Length).copy_(staged);
        }
    }

    private static Span<float> Exactly(long expected, int actual, Span<float> span) =>
        expected == actual ? span : throw Mismatch(expected, actual);

    private static ArgumentException Mismatch(long expected, int actual) =>
        new($"The module has {expected} elements, padding included, but {actual} were given.");
}
