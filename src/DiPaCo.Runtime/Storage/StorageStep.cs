namespace DiPaCo.Runtime.Storage;

/// <summary>The durable operations, each named after what has just happened.</summary>
public enum StorageStep
{
    /// <summary>A temporary file exists, still empty.</summary>
    TemporaryCreated,

    /// <summary>A temporary file holds all its bytes, perhaps not yet on the disk.</summary>
    TemporaryWritten,

    /// <summary>The bytes of a temporary file are on the disk.</summary>
    TemporaryFlushed,

    /// <summary>The temporary file has its final name.</summary>
    Renamed,

    /// <summary>The final name is on the disk.</summary>
    FolderFlushed,

    /// <summary>A line stands in the journal, perhaps not yet on the disk.</summary>
    JournalAppended,

    /// <summary>The journal's line is on the disk.</summary>
    JournalFlushed,

    /// <summary>The torn last line of a journal or metrics file has been cut off.</summary>
    TailCut,

    /// <summary>A line stands in the metrics file.</summary>
    MetricsAppended,

    /// <summary>A blob is gone.</summary>
    BlobDeleted,

    /// <summary>The leftover of a killed process is gone.</summary>
    LeftoverDeleted,
}
