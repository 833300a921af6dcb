using DiPaCo.Core.Configuration;

namespace DiPaCo.Training.Codecs;

/// <summary>Finds codecs.</summary>
public static class DeltaCodecs
{
    /// <summary>The codec of a configuration.</summary>
    /// <param name="codec">Which.</param>
    /// <param name="topKFraction">Share of elements that <see cref="DeltaCodec.TopK"/> keeps, in (0, 1].</param>
    public static IDeltaCodec Of(DeltaCodec codec, double topKFraction) => codec switch
    {
        DeltaCodec.Bf16 => new Bf16Codec(),
        DeltaCodec.Int8 => new Int8Codec(),
        DeltaCodec.Int4 => new Int4Codec(),
        DeltaCodec.TopK => new TopKCodec(topKFraction),
        _ => new Fp32Codec(),
    };
}
