namespace DiPaCo.Data;

/// <summary>Where text is read from, and what counts as a readable record.</summary>
public sealed record CorpusOptions
{
    /// <summary>Files, folders (read recursively) and globs (<c>data/**/*.jsonl.gz</c>), in the order to read them.</summary>
    public required IReadOnlyList<string> Paths { get; init; }

    /// <summary>The field or column with the text. Default <c>text</c>.</summary>
    public string TextField { get; init; } = "text";

    /// <summary>The field or column with the document's origin; what follows <c>#</c> in it is a part's name. A number stands for its digits. Default <c>url</c>.</summary>
    public string OriginField { get; init; } = "url";

    /// <summary>Whether a corpus of records none of which has the origin's field is refused. Default no.</summary>
    public bool RequiresOrigin { get; init; }

    /// <summary>The field or column that names the kind of text. Default <c>source</c>.</summary>
    public string SourceField { get; init; } = "source";

    /// <summary>The share of bad records, 0 to 1, beyond which reading stops. Default 0.001; 0 stops at the first.</summary>
    public double MaximumBadShare { get; init; } = 0.001;

    /// <summary>The longest line or record in bytes; a longer one is a bad record. Default 64 MiB.</summary>
    public int MaximumRecordBytes { get; init; } = 64 << 20;

    /// <summary>A .txt file beyond this many bytes is cut, at paragraphs, into documents of about this size. Default 64 KiB.</summary>
    public int TextPartBytes { get; init; } = 64 << 10;

    /// <summary>
    /// How many consecutive parts of a cut .txt file share one origin, and so a split. 0 (default): the whole file is one origin,
    /// so that no book straddles the splits; set it for a corpus that is one big file.
    /// </summary>
    public int TextPartsPerOrigin { get; init; }
}
