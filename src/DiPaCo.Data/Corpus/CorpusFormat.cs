namespace DiPaCo.Data;

/// <summary>How a corpus file is laid out.</summary>
public enum CorpusFormat
{
    /// <summary>Plain UTF-8 text, one document per file.</summary>
    Text,

    /// <summary>One JSON object a line, C4's layout among them.</summary>
    JsonLines,

    /// <summary>Apache Parquet, one document per row.</summary>
    Parquet,
}
