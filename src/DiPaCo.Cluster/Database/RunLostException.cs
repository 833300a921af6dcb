using DiPaCo.Core;

namespace DiPaCo.Cluster;

/// <summary>Another host has taken a run over, or the run was deleted: this one may not write its journal any more. No fault of anybody's.</summary>
/// <param name="run">The run.</param>
internal sealed class RunLostException(string run)
    : DiPaCoException($"The run '{run}' is no longer this host's: another silo has taken it over, or it was deleted.");
