namespace DiPaCo.Core.Configuration;

/// <summary>What follows from how versions travel.</summary>
public static class DownloadCodecExtensions
{
    /// <summary>Whether a difference from the version before travels; a worker that has not got that one fetches the whole.</summary>
    public static bool IsDelta(this DownloadCodec codec) => codec is DownloadCodec.Int8 or DownloadCodec.Int4;

    /// <summary>Bits of an element on its way down, scales included; for a difference, at a worker that has the version before.</summary>
    public static double BitsPerElement(this DownloadCodec codec) => codec switch
    {
        DownloadCodec.Bf16 => 16,
        DownloadCodec.Int8 => OuterOptimizerOptions.Int8Bits,
        DownloadCodec.Int4 => OuterOptimizerOptions.Int4Bits,
        _ => 32,
    };

    /// <summary>Bits of an element of a whole published version.</summary>
    public static int BitsOfWhole(this DownloadCodec codec) => codec == DownloadCodec.Bf16 ? 16 : 32;
}
