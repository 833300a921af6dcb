namespace DiPaCo.Training.Codecs;

/// <summary>Reads deltas of all kinds.</summary>
public static class EncodedDelta
{
    /// <summary>Decodes a delta into a buffer of the length that is expected; the bytes are judged before anything is written.</summary>
    /// <param name="encoded">What a codec has written.</param>
    /// <param name="delta">Receives the delta; undefined after an exception.</param>
    /// <exception cref="DeltaFormatException">The bytes are damaged, hostile, or of a delta of another length.</exception>
    public static void Decode(ReadOnlySpan<byte> encoded, Span<float> delta)
    {
        DeltaHeader header = DeltaHeader.Read(encoded);
        if (header.Length != delta.Length)
        {
            throw new DeltaFormatException($"it has {header.Length} elements, expected {delta.Length}");
        }

        ReadOnlySpan<byte> body = encoded[DeltaHeader.Bytes..];
        switch (header.Encoding)
        {
            case DeltaEncoding.Fp32:
                Fp32Codec.Decode(body, delta);
                break;
            case DeltaEncoding.Bf16:
                Bf16Codec.Decode(body, delta);
                break;
            case DeltaEncoding.Int8:
                Int8Codec.Decode(body, delta);
                break;
            case DeltaEncoding.Int4:
                Int4Codec.Decode(body, delta);
                break;
            case DeltaEncoding.TopK:
                TopKCodec.Decode(body, delta, header.Kept);
                break;
            default:
                throw new DeltaFormatException($"it has the encoding {(byte)header.Encoding}, which is unknown");
        }
    }

    /// <summary>One delta has one spelling: what fills up the last block is zero.</summary>
    internal static void ThrowUnlessPadding(ReadOnlySpan<float> padding)
    {
        if (padding.ContainsAnyExcept(0f))
        {
            throw new DeltaFormatException("there are elements behind its end");
        }
    }
}
