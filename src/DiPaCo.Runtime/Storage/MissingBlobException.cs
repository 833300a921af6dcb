using DiPaCo.Core;

namespace DiPaCo.Runtime.Storage;

/// <summary>A blob that something refers to and that the store does not hold.</summary>
public sealed class MissingBlobException : DiPaCoException
{
    /// <summary>Creates the exception of a blob.</summary>
    public MissingBlobException(BlobHash hash, string expectedAt)
        : base($"The blob {hash} is missing, expected at '{expectedAt}'. "
            + "Restore it from a copy of the run; 'dipaco verify RUN' lists everything that is missing; with --repair it sets lost parts aside, and the run's 'dipaco train' command makes them again.") =>
        Hash = hash;

    /// <summary>The blob.</summary>
    public BlobHash Hash { get; }
}
