using System.Diagnostics;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.StorageHost;

/// <summary>Ends this process at a chosen step, in the way that gives it no chance to clean up.</summary>
internal sealed class KillingSteps(int killAt) : IStorageSteps
{
    private int _count;

    public int Count => _count;

    public void Reached(StorageStep done, string path)
    {
        if (Interlocked.Increment(ref _count) == killAt)
        {
            using var self = Process.GetCurrentProcess();
            self.Kill();
            new ManualResetEventSlim().Wait();
        }
    }
}
