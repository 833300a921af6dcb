using DiPaCo.Cli.Output;
using Spectre.Console;

namespace DiPaCo.Cli.Progress;

/// <summary>Chooses how progress is shown.</summary>
internal static class RunDisplay
{
    /// <summary>Live on a terminal, plain lines otherwise; on standard error when standard output is for a script.</summary>
    public static IRunDisplay Create(CliServices services, bool json)
    {
        IAnsiConsole console = json ? services.Terminal.Error : services.Terminal.Standard;
        return Terminal.IsLive(console)
            ? new LiveDisplay(console, services.Clock)
            : new PlainDisplay(console.Profile.Out.Writer, services.Clock);
    }
}
