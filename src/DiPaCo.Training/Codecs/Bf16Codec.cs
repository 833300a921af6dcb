using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Training.Codecs;

/// <summary>bfloat16, 24 + 2n bytes: each element to 8 significant bits.</summary>
public sealed class Bf16Codec : IDeltaCodec
{
    /// <inheritdoc/>
    public DeltaEncoding Encoding => DeltaEncoding.Bf16;

    /// <inheritdoc/>
    public long BytesFor(int length) => Bytes(length);

    /// <inheritdoc/>
    public void Encode(ReadOnlySpan<float> delta, Span<float> residual, Span<byte> encoded)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(encoded.Length, BytesFor(delta.Length));
        ErrorFeedback.Add(delta, residual);
        Span<byte> body = encoded[DeltaHeader.Bytes..];
        ref float x = ref MemoryMarshal.GetReference(residual);
        ref ushort halves = ref MemoryMarshal.GetReference(MemoryMarshal.Cast<byte, ushort>(body));
        int i = 0;
        for (; BitConverter.IsLittleEndian && i <= residual.Length - Vector512<float>.Count; i += Vector512<float>.Count)
        {
            var value = Vector512.LoadUnsafe(ref x, (nuint)i);
            Vector512<uint> bits = value.AsUInt32();
            Vector512<uint> rounded = (bits + Vector512.Create(0x7FFFu) + ((bits >>> 16) & Vector512<uint>.One)) >>> 16;
            Vector256.Narrow(rounded.GetLower(), rounded.GetUpper()).StoreUnsafe(ref halves, (nuint)i);
            (value - (rounded << 16).AsSingle()).StoreUnsafe(ref x, (nuint)i);
        }

        for (; i < residual.Length; i++)
        {
            ushort bits = Bf16Bits.Of(residual[i]);
            BinaryPrimitives.WriteUInt16LittleEndian(body[(i * sizeof(ushort))..], bits);
            residual[i] -= Bf16Bits.Value(bits);
        }

        new DeltaHeader(Encoding, delta.Length, 0).Write(encoded);
    }

    internal static long Bytes(int length) => DeltaHeader.Bytes + ((long)length * sizeof(ushort));

    internal static void Decode(ReadOnlySpan<byte> body, Span<float> delta)
    {
        for (int i = 0; i < delta.Length; i++)
        {
            ushort bits = BinaryPrimitives.ReadUInt16LittleEndian(body[(i * sizeof(ushort))..]);
            delta[i] = Bf16Bits.IsFinite(bits) ? Bf16Bits.Value(bits) : throw new DeltaFormatException($"element {i} is not finite");
        }
    }
}
