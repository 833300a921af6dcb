using System.Diagnostics;

namespace DiPaCo.RunHost;

/// <summary>The end of this process in the way that gives it no chance to clean up.</summary>
internal static class SuddenDeath
{
    /// <summary>Sends SIGKILL to this process and never returns.</summary>
    public static void Now()
    {
        using var self = Process.GetCurrentProcess();
        self.Kill();
        new ManualResetEventSlim().Wait();
    }
}
