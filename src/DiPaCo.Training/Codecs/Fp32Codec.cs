using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace DiPaCo.Training.Codecs;

/// <summary>Single precision, 24 + 4n bytes. Nothing is left out; a residual that another codec left is sent.</summary>
public sealed class Fp32Codec : IDeltaCodec
{
    /// <inheritdoc/>
    public DeltaEncoding Encoding => DeltaEncoding.Fp32;

    /// <inheritdoc/>
    public long BytesFor(int length) => Bytes(length);

    /// <inheritdoc/>
    public void Encode(ReadOnlySpan<float> delta, Span<float> residual, Span<byte> encoded)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(encoded.Length, BytesFor(delta.Length));
        ErrorFeedback.Add(delta, residual);
        Span<byte> body = encoded[DeltaHeader.Bytes..];
        if (BitConverter.IsLittleEndian)
        {
            MemoryMarshal.AsBytes(residual).CopyTo(body);
        }
        else
        {
            for (int i = 0; i < residual.Length; i++)
            {
                BinaryPrimitives.WriteSingleLittleEndian(body[(i * sizeof(float))..], residual[i]);
            }
        }

        residual.Clear();
        new DeltaHeader(Encoding, delta.Length, 0).Write(encoded);
    }

    internal static long Bytes(int length) => DeltaHeader.Bytes + ((long)length * sizeof(float));

    internal static void Decode(ReadOnlySpan<byte> body, Span<float> delta)
    {
        for (int i = 0; i < delta.Length; i++)
        {
            float value = BinaryPrimitives.ReadSingleLittleEndian(body[(i * sizeof(float))..]);
            delta[i] = float.IsFinite(value) ? value : throw new DeltaFormatException($"element {i} is not finite");
        }
    }
}
