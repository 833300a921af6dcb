using System.CommandLine;
using DiPaCo.Cli.Output;
using DiPaCo.Cli.Progress;
using DiPaCo.Runtime;

namespace DiPaCo.Cli.Commands;

/// <summary><c>dipaco verify RUN</c>: re-hash everything, print the model digest.</summary>
internal static class VerifyCommand
{
    /// <summary>Builds the verb.</summary>
    public static Command Create(CliServices services)
    {
        Argument<string> folder = CommonOptions.RunFolder();
        Option<bool> repair = new("--repair") { Description = "Set damaged parts aside, so that the next 'dipaco train' makes them anew." };
        Option<bool> json = CommonOptions.Json();
        Command command = new("verify", "Re-hash everything in a run's folder and print the model digest.") { folder, repair, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            string run = parsed.GetRequiredValue(folder);
            bool asJson = parsed.GetValue(json);
            VerifyResult result = await RunDisplay.Create(services, asJson).ShowAsync(
                observer => services.Engine.VerifyAsync(run, parsed.GetValue(repair), observer, cancellation), cancellation);
            if (asJson)
            {
                JsonOutput.Write(services.Terminal, result);
            }
            else
            {
                VerifyView.Write(services.Terminal.Standard, result, $"{services.Program} verify {Shell.Quote(run)} --repair");
            }

            return result.IsSound ? ExitCodes.Success : ExitCodes.Damaged;
        });
        return command;
    }
}
