namespace DiPaCo.Data;

/// <summary>How a corpus file is packed.</summary>
public enum CorpusCompression
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>gzip, one member or several.</summary>
    Gzip,

    /// <summary>Zstandard.</summary>
    Zstandard,
}
