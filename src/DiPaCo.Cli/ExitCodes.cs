namespace DiPaCo.Cli;

/// <summary>What the process returns. Scripts rely on the numbers: they never change.</summary>
internal static class ExitCodes
{
    /// <summary>Done.</summary>
    public const int Success = 0;

    /// <summary>A mistake that the user can repair: configuration, data, run folder.</summary>
    public const int UserError = 1;

    /// <summary>Wrong arguments.</summary>
    public const int Usage = 2;

    /// <summary><c>verify</c> found damage that is not repaired, or a <c>ledger</c> does not balance.</summary>
    public const int Damaged = 3;

    /// <summary>A bug of this program (<c>EX_SOFTWARE</c>).</summary>
    public const int Bug = 70;

    /// <summary>A command was stopped by Ctrl-C or a termination signal (128 + SIGINT) before its end; what serves until then ends with <see cref="Success"/>.</summary>
    public const int Interrupted = 130;
}
