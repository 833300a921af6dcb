using DiPaCo.Runtime.Storage;

namespace DiPaCo.RunHost;

/// <summary>Ends this process when a kind of step is reached for the n-th time.</summary>
internal sealed class KillingSteps(StorageStep kind, int occurrence) : IStorageSteps
{
    private readonly Lock _lock = new();
    private int _count;

    public void Reached(StorageStep done, string path)
    {
        lock (_lock)
        {
            if (done == kind && ++_count == occurrence)
            {
                SuddenDeath.Now();
            }
        }
    }
}
