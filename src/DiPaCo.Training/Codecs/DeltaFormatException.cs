using DiPaCo.Core;

namespace DiPaCo.Training.Codecs;

/// <summary>Bytes that are no delta, are damaged, or are not the one that was expected.</summary>
public sealed class DeltaFormatException : DiPaCoException
{
    /// <summary>Creates the exception with a reason, a clause without full stop.</summary>
    public DeltaFormatException(string reason)
        : base($"An encoded delta cannot be read: {reason}. Have it sent again, or the task that made it run again.") => Reason = reason;

    /// <summary>What is wrong.</summary>
    public string Reason { get; }
}
