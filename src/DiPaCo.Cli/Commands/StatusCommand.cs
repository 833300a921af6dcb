using System.CommandLine;
using DiPaCo.Cli.Output;
using DiPaCo.Runtime;

namespace DiPaCo.Cli.Commands;

/// <summary><c>dipaco status RUN</c>: how far a run is.</summary>
internal static class StatusCommand
{
    /// <summary>Builds the verb.</summary>
    public static Command Create(CliServices services)
    {
        Argument<string> folder = CommonOptions.RunFolder();
        Option<bool> json = CommonOptions.Json();
        Command command = new("status", "Show how far a run is, and its model digest.") { folder, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            string run = parsed.GetRequiredValue(folder);
            RunStatus status = await services.Engine.StatusAsync(run, cancellation);
            if (parsed.GetValue(json))
            {
                JsonOutput.Write(services.Terminal, status);
            }
            else
            {
                StatusView.Write(services.Terminal.Standard, run, status);
            }

            return ExitCodes.Success;
        });
        return command;
    }
}
