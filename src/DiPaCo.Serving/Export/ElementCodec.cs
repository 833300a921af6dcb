using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using DiPaCo.Core;
using DiPaCo.Training.Codecs;

namespace DiPaCo.Serving.Export;

/// <summary>fp32 elements in the types of exported files.</summary>
internal static class ElementCodec
{
    /// <summary>Elements of a block of <see cref="ExportType.Q80"/>.</summary>
    public const int BlockElements = 32;

    private const int BlockBytes = BlockElements + 2;

    /// <summary>Bytes of so many elements.</summary>
    public static long BytesOf(ExportType type, long elements) => type switch
    {
        ExportType.F32 => elements * 4,
        ExportType.F16 or ExportType.Bf16 => elements * 2,
        _ => elements / BlockElements * BlockBytes,
    };

    /// <summary>Encodes elements.</summary>
    /// <param name="type">How.</param>
    /// <param name="values">The elements; a multiple of 32 of them for blocks.</param>
    /// <param name="name">What to call them in messages.</param>
    /// <exception cref="DiPaCoException">A number is not finite, or too large for the type.</exception>
    public static byte[] Encode(ExportType type, ReadOnlySpan<float> values, string name)
    {
        float largest = values.IsEmpty ? 0 : TensorPrimitives.MaxMagnitude(values);
        float most = type switch { ExportType.F16 => (float)Half.MaxValue, ExportType.Q80 => 127 * (float)Half.MaxValue, _ => float.MaxValue };
        if (!float.IsFinite(largest) || Math.Abs(largest) > most)
        {
            throw new DiPaCoException($"The tensor {name} has the number {largest}, which {NameOf(type)} cannot hold. Export it as f32, or look for what made it so large.");
        }

        byte[] bytes = new byte[BytesOf(type, values.Length)];
        switch (type)
        {
            case ExportType.F32:
                MemoryMarshal.AsBytes(values).CopyTo(bytes);
                break;
            case ExportType.F16:
                TensorPrimitives.ConvertToHalf(values, MemoryMarshal.Cast<byte, Half>(bytes.AsSpan()));
                break;
            case ExportType.Bf16:
                ToBf16(values, MemoryMarshal.Cast<byte, ushort>(bytes.AsSpan()));
                break;
            default:
                ToBlocks(values, bytes);
                break;
        }

        return bytes;
    }

    /// <summary>The type's name on the command line and in messages.</summary>
    public static string NameOf(ExportType type) => type switch
    {
        ExportType.F32 => "f32",
        ExportType.F16 => "f16",
        ExportType.Bf16 => "bf16",
        _ => "q8_0",
    };

    private static void ToBf16(ReadOnlySpan<float> values, Span<ushort> rounded)
    {
        for (int at = 0; at < values.Length; at++)
        {
            rounded[at] = Bf16Bits.Of(values[at]);
        }
    }

    /// <summary>Each block's scale is its largest magnitude over 127; elements are rounded half away from zero.</summary>
    private static void ToBlocks(ReadOnlySpan<float> values, Span<byte> bytes)
    {
        for (int block = 0; block < values.Length / BlockElements; block++)
        {
            ReadOnlySpan<float> from = values.Slice(block * BlockElements, BlockElements);
            Span<byte> to = bytes.Slice(block * BlockBytes, BlockBytes);
            float scale = Math.Abs(TensorPrimitives.MaxMagnitude(from)) / 127;
            float inverse = scale > 0 ? 1 / scale : 0;
            MemoryMarshal.Write(to, (Half)scale);
            for (int at = 0; at < BlockElements; at++)
            {
                to[2 + at] = (byte)(sbyte)MathF.Round(from[at] * inverse, MidpointRounding.AwayFromZero);
            }
        }
    }
}
