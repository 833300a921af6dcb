namespace DiPaCo.Data;

/// <summary>One file of a corpus.</summary>
/// <param name="FullPath">Where it is.</param>
/// <param name="Name">Its name relative to the folder or glob that found it, with <c>/</c>: what origins and documents' locations use.</param>
/// <param name="Format">How it is read.</param>
/// <param name="Compression">How it is packed.</param>
public sealed record CorpusFile(string FullPath, string Name, CorpusFormat Format, CorpusCompression Compression)
{
    /// <summary>The endings that are read, for messages.</summary>
    public const string ReadableEndings = ".txt, .jsonl, .ndjson, .json (one record a line; each also with .gz or .zst), .parquet";

    /// <summary>The file's name without folders and endings.</summary>
    public string Stem
    {
        get
        {
            string name = Name[(Name.LastIndexOf('/') + 1)..];
            int dot = name.IndexOf('.', 1);
            return dot < 0 ? name : name[..dot];
        }
    }

    /// <summary>The name of the folder that holds the file.</summary>
    public string Folder => Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(FullPath))) is { Length: > 0 } folder ? folder : Stem;

    /// <summary>Recognises a file by its ending; null where it is not one that is read.</summary>
    public static CorpusFile? Recognise(string fullPath, string name)
    {
        CorpusCompression compression = Path.GetExtension(name).ToUpperInvariant() switch
        {
            ".GZ" => CorpusCompression.Gzip,
            ".ZST" => CorpusCompression.Zstandard,
            _ => CorpusCompression.None,
        };
        string inner = compression == CorpusCompression.None ? name : Path.GetFileNameWithoutExtension(name);
        CorpusFormat? format = Path.GetExtension(inner).ToUpperInvariant() switch
        {
            ".TXT" => CorpusFormat.Text,
            ".JSONL" or ".NDJSON" or ".JSON" => CorpusFormat.JsonLines,
            ".PARQUET" when compression == CorpusCompression.None => CorpusFormat.Parquet,
            _ => null,
        };
        return format is { } known ? new CorpusFile(fullPath, name, known, compression) : null;
    }
}
