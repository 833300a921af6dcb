using DiPaCo.Core;

namespace DiPaCo.Model.SafeTensors;

/// <summary>A safetensors file that cannot be read: damaged, hostile, or not the one that was expected.</summary>
public sealed class SafeTensorsException : DiPaCoException
{
    /// <summary>Creates the exception of a file and a reason, a clause without full stop.</summary>
    public SafeTensorsException(string file, string reason, Exception? innerException = null)
        : base($"'{file}' cannot be read as safetensors: {reason}. Restore the file from a copy, or have it written again.", innerException!)
    {
        File = file;
        Reason = reason;
    }

    /// <summary>The file.</summary>
    public string File { get; }

    /// <summary>What is wrong with it.</summary>
    public string Reason { get; }
}
