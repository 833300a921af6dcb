using DiPaCo.Core;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Runtime.Experiments;

/// <summary>A run of a row that cannot be trained as it is configured; it is tried again whenever the experiment is begun again.</summary>
/// <param name="Row">Name of the row.</param>
/// <param name="Seed">The run's pseudo-random seed.</param>
/// <param name="Folder">Its folder, with what was finished until then.</param>
/// <param name="Message">Why.</param>
public sealed record FailedRun(string Row, long Seed, string Folder, string Message)
{
    /// <summary>
    /// Whether a failure is the run's own, so that the other runs are none the worse for it: its numbers stopped being finite, or its configuration asks of the text what
    /// it does not have. A disk, a store or a folder that is not in order would spoil whatever comes next, and a run that is another than the row now says is a mistake
    /// to be told at once.
    /// </summary>
    internal static bool IsOwn(DiPaCoException failure)
    {
        for (Exception? cause = failure; cause is not null; cause = cause.InnerException)
        {
            if (cause is IOException or StorageException or MissingBlobException or DamagedBlobException or BlobMismatchException or RunLockedException or ConfigurationChangedException)
            {
                return false;
            }
        }

        return true;
    }
}
