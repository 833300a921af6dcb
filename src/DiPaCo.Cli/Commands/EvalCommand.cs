using System.CommandLine;
using DiPaCo.Cli.Output;
using DiPaCo.Cli.Progress;
using DiPaCo.Runtime;

namespace DiPaCo.Cli.Commands;

/// <summary><c>dipaco eval RUN</c>: held-out perplexity again, also on text that the run has never seen.</summary>
internal static class EvalCommand
{
    /// <summary>Builds the verb.</summary>
    public static Command Create(CliServices services)
    {
        Argument<string> folder = CommonOptions.RunFolder();
        Option<string[]> data = CommonOptions.Data("A file, folder or glob to evaluate on. Default: the run's own test split.");
        Option<bool> json = CommonOptions.Json();
        Command command = new("eval", "Measure the perplexity of a run's models, also on text of your own.") { folder, data, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            string run = parsed.GetRequiredValue(folder);
            bool asJson = parsed.GetValue(json);
            EvaluationResult result = await RunDisplay.Create(services, asJson).ShowAsync(
                observer => services.Engine.EvaluateAsync(run, [.. parsed.GetRequiredValue(data)], observer, cancellation), cancellation);
            if (asJson)
            {
                JsonOutput.Write(services.Terminal, result);
            }
            else
            {
                EvaluationView.Write(services.Terminal.Standard, result);
            }

            return ExitCodes.Success;
        });
        return command;
    }
}
