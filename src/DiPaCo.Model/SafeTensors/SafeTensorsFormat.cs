namespace DiPaCo.Model.SafeTensors;

/// <summary>Constants of the file format: 8 bytes of little-endian header length, the JSON header, the data.</summary>
internal static class SafeTensorsFormat
{
    public const string MetadataKey = "__metadata__";

    public const int LengthPrefix = sizeof(ulong);

    /// <summary>The bound that other implementations enforce too.</summary>
    public const int MaximumHeaderBytes = 100_000_000;

    /// <summary>Where the data of our files begins: a multiple of a cache line, so that mapped tensors are aligned.</summary>
    public const int DataAlignment = 64;
}
