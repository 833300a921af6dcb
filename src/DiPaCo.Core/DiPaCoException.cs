namespace DiPaCo.Core;

/// <summary>
/// A mistake that the user can repair: bad configuration, bad data, a damaged or unknown run.
/// The message names what is wrong (file, line or field), the value found, what was expected, and what to do.
/// The command line prints it without a stack trace and exits with a code other than zero.
/// </summary>
public class DiPaCoException : Exception
{
    /// <summary>Creates the exception with its complete message.</summary>
    public DiPaCoException(string message) : base(message)
    {
    }

    /// <summary>Creates the exception with its complete message and the failure that caused it.</summary>
    public DiPaCoException(string message, Exception innerException) : base(message, innerException)
    {
    }
}
