using DiPaCo.Core;

namespace DiPaCo.Runtime.Storage;

/// <summary>Another process is working on the run.</summary>
public sealed class RunLockedException : DiPaCoException
{
    /// <summary>Creates the exception of a run and the holder of its lock.</summary>
    public RunLockedException(string folder, string holder, Exception innerException)
        : base($"The run '{folder}' is in use by {holder}. Wait until it ends or stop it; 'dipaco status' shows what it does.", innerException)
    {
    }
}
