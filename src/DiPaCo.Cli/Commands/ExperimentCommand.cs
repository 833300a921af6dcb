using System.CommandLine;
using System.Globalization;
using DiPaCo.Cli.Output;
using DiPaCo.Cli.Progress;
using DiPaCo.Cli.Report;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime;
using DiPaCo.Runtime.Experiments;
using DiPaCo.Runtime.Tasks;
using Spectre.Console;

namespace DiPaCo.Cli.Commands;

/// <summary><c>dipaco experiment FILE</c>: train a table of configurations and compare them.</summary>
internal static class ExperimentCommand
{
    /// <summary>Builds the verb.</summary>
    public static Command Create(CliServices services)
    {
        Argument<string> file = new("file") { HelpName = "FILE", Description = "The experiment (YAML): a base configuration, seeds, and rows that change it." };
        Option<string?> run = new("--run") { HelpName = "DIR", Description = "Folder of the experiment. Default: experiments/<name>." };
        Option<string[]> data = CommonOptions.Data("A file, folder or glob to train on, in the place of the file's.");
        Option<bool> json = CommonOptions.Json();
        Command command = new("experiment", "Train a table of configurations and compare them; on an existing one, go on where it stopped.") { file, run, data, json };
        command.SetAction((parsed, cancellation) =>
        {
            Experiment experiment = ExperimentLoader.Load(parsed.GetRequiredValue(file), [.. parsed.GetRequiredValue(data)]);
            string folder = parsed.GetValue(run) ?? Path.Combine("experiments", experiment.Name);
            string again = $"{services.Program} {Shell.Command(parsed.Tokens.Select(token => token.Value))}";
            return RunAsync(services, experiment, folder, again, parsed.GetValue(json), cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        CliServices services, Experiment experiment, string folder, string again, bool json, CancellationToken cancellation)
    {
        IAnsiConsole console = json ? services.Terminal.Error : services.Terminal.Standard;
        int runs = experiment.Rows.Sum(row => row.Runs.Length);
        int number = 0;
        ExperimentRunner runner = new(folder, (config, runFolder, others, token) =>
        {
            console.MarkupLineInterpolated($"[bold]run {++number} of {runs}: {config.Config.Name}[/]");
            return TrainAsync(services, config, runFolder, others, json, token);
        });
        try
        {
            int failed = 0;
            ExperimentResults results = await runner.RunAsync(
                experiment,
                async soFar =>
                {
                    await ExperimentFolder.WriteAsync(folder, soFar, cancellation);
                    for (; failed < soFar.Failed.Length; failed++)
                    {
                        services.Terminal.WriteError(ExperimentView.Failure(soFar.Failed[failed]));
                    }
                },
                cancellation);
            if (json)
            {
                JsonOutput.Write(services.Terminal, new { Experiment = folder, Results = results, Table = ComparedModel.Of(results) });
            }
            else
            {
                ExperimentView.Write(services.Terminal.Standard, results, folder);
            }

            if (results.Failed.IsEmpty)
            {
                return ExitCodes.Success;
            }

            services.Terminal.WriteError(string.Create(
                CultureInfo.InvariantCulture, $"{results.Failed.Length} of {runs} runs failed, and {Path.Combine(folder, "experiment.md")} says why. Change their rows, or take them out; this tries them again:\n  {again}"));
            return ExitCodes.UserError;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            services.Terminal.Error.Profile.Out.Writer.WriteLine($"Stopped. Everything finished so far is kept in {folder}; go on with:\n  {again}");
            return ExitCodes.Interrupted;
        }
    }

    private static async Task<RunResults> TrainAsync(
        CliServices services, LoadedConfig config, string runFolder, ITaskMemory others, bool json, CancellationToken cancellation)
    {
        RunResults results = await RunDisplay.Create(services, json).ShowAsync(
            observer => services.Engine.TrainAsync(config, runFolder, others, observer, cancellation), cancellation);
        await ReportFolder.WriteAsync(runFolder, results, cancellation);
        return results;
    }
}
