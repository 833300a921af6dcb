using DiPaCo.Core;

namespace DiPaCo.Runtime.Storage;

/// <summary>A run is to be continued with another configuration than it began with.</summary>
public sealed class ConfigurationChangedException : DiPaCoException
{
    /// <summary>Creates the exception of a run.</summary>
    /// <param name="runFolder">The run's folder.</param>
    /// <param name="differences">The keys that differ and must not.</param>
    /// <param name="isTrained">Whether anything would be lost with the run.</param>
    public ConfigurationChangedException(string runFolder, IReadOnlyList<ConfigurationDifference> differences, bool isTrained)
        : base($"The run '{runFolder}' began with another configuration:{string.Concat(differences.Select(difference => $"{Environment.NewLine}  {difference}"))}"
            + $"{Environment.NewLine}Restore these values to continue the run, or give the new configuration a folder of its own (--run)."
            + (isTrained ? "" : $" Nothing has been trained in this one yet: delete the folder '{runFolder}', and the same command begins anew there.")) =>
        Differences = differences;

    /// <summary>The keys that differ and must not.</summary>
    public IReadOnlyList<ConfigurationDifference> Differences { get; }
}
