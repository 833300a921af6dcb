using DiPaCo.Core;

namespace DiPaCo.Runtime.Storage;

/// <summary>A run is to be continued with another configuration than it began with.</summary>
public sealed class ConfigurationChangedException : DiPaCoException
{
    /// <summary>Creates the exception of a run.</summary>
    public ConfigurationChangedException(string runFolder, IReadOnlyList<ConfigurationDifference> differences)
        : base($"The run '{runFolder}' began with another configuration:{string.Concat(differences.Select(difference => $"{Environment.NewLine}  {difference}"))}"
            + $"{Environment.NewLine}Restore these values to continue the run, or give the new configuration a folder of its own (--run).") =>
        Differences = differences;

    /// <summary>The keys that differ and must not.</summary>
    public IReadOnlyList<ConfigurationDifference> Differences { get; }
}
