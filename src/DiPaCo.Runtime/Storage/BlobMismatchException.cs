using DiPaCo.Core;

namespace DiPaCo.Runtime.Storage;

/// <summary>Bytes were handed over under a name that is not theirs; nothing was kept.</summary>
public sealed class BlobMismatchException : DiPaCoException
{
    /// <summary>Creates the exception of some bytes.</summary>
    /// <param name="origin">Where they came from: a file or an address.</param>
    /// <param name="expected">The name that they were handed over under.</param>
    /// <param name="found">The name that their bytes have.</param>
    public BlobMismatchException(string origin, BlobHash expected, BlobHash found)
        : base($"The bytes from '{origin}' have the SHA-256 {found}, expected {expected}: they were damaged on the way or are another blob's. Nothing was stored; send them again.")
    {
        Expected = expected;
        Found = found;
    }

    /// <summary>The name that the bytes were handed over under.</summary>
    public BlobHash Expected { get; }

    /// <summary>The name that the bytes have.</summary>
    public BlobHash Found { get; }
}
