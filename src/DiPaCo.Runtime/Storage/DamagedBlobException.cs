using DiPaCo.Core;

namespace DiPaCo.Runtime.Storage;

/// <summary>A blob whose bytes are not the ones that its name promises.</summary>
public sealed class DamagedBlobException : DiPaCoException
{
    /// <summary>Creates the exception of a blob.</summary>
    public DamagedBlobException(string file, BlobHash expected, BlobHash found)
        : base($"The blob '{file}' is damaged: its bytes have the SHA-256 {found}, expected {expected}. "
            + "Restore it from a copy of the run; 'dipaco verify RUN' lists everything that is damaged; with --repair it sets lost parts aside, and the run's 'dipaco train' command makes them again.")
    {
        File = file;
        Expected = expected;
        Found = found;
    }

    /// <summary>Where the blob is stored.</summary>
    public string File { get; }

    /// <summary>The hash that names the blob.</summary>
    public BlobHash Expected { get; }

    /// <summary>The hash of the bytes that are there.</summary>
    public BlobHash Found { get; }
}
