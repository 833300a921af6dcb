using System.CommandLine;
using System.CommandLine.Parsing;
using DiPaCo.Cli.Output;
using DiPaCo.Cli.Progress;
using DiPaCo.Cli.Report;
using DiPaCo.Cluster;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime;

namespace DiPaCo.Cli.Commands;

/// <summary><c>dipaco train FILE</c>: train, or go on; at the end the report.</summary>
internal static class TrainCommand
{
    /// <summary>Builds the verb.</summary>
    public static Command Create(CliServices services)
    {
        Argument<string?> file = new("file") { HelpName = "FILE", Description = "The run's configuration (YAML); 'dipaco init' writes one.", Arity = ArgumentArity.ZeroOrOne };
        Option<bool> demo = new("--demo") { Description = "Train on the .NET SDK's API documentation, or on --data; needs no file and no download." };
        Option<string?> run = new("--run") { HelpName = "DIR", Description = "Folder of the run. Default: runs/<name>." };
        Option<ModelSize?> size = CommonOptions.Size("The dial, in the place of the file's.");
        Option<string[]> data = CommonOptions.Data("A file, folder or glob to train on, in the place of the file's.");
        Option<bool> json = CommonOptions.Json();
        Option<string?> join = new("--join") { HelpName = "INVITATION", Description = "Let a cluster compute the run; what 'dipaco token create --role admin' prints; '-' reads it from standard input." };
        Option<bool> any = new("--any-numerics") { Description = "With --listen or --join: take workers that round differently as well; results are then no longer byte-identical." };
        ListenOptions listen = new(any);
        Command command = new("train", "Train a model; on an existing run, go on where it stopped.") { file, demo, run, size, data, json, join, any };
        listen.AddTo(command);
        command.Validators.Add(result => CheckSource(result, file, demo, data));
        command.Validators.Add(result =>
        {
            if (result.GetValue(join) is not null && result.GetResult("--listen") is OptionResult { Implicit: false })
            {
                result.AddError("--join and --listen exclude each other: either a cluster computes the run, or this process does.");
            }
            else if (result.GetValue(join) is null && result.GetValue(any) && result.GetResult("--listen") is null or OptionResult { Implicit: true })
            {
                result.AddError("--any-numerics says which workers of other machines are taken; it needs --listen or --join.");
            }
        });
        command.SetAction(async (parsed, cancellation) =>
        {
            LoadedConfig config = parsed.GetValue(demo)
                ? DemoConfig.Make(parsed.GetValue(size), parsed.GetRequiredValue(data))
                : RunConfigLoader.Load(parsed.GetRequiredValue(file)!, new ConfigOverrides { Size = parsed.GetValue(size), DataPaths = [.. parsed.GetRequiredValue(data)] });
            string folder = parsed.GetValue(run) ?? Path.Combine("runs", config.Config.Name);
            string again = $"{services.Program} {Shell.Command(parsed.Tokens.Select(token => token.Value))}";
            if (parsed.GetValue(join) is { } text)
            {
                Invitation invitation = await CommonOptions.InvitationAsync(text, cancellation);
                return await new SubmittedTraining(services, config, folder, invitation).RunAsync(!parsed.GetValue(any), parsed.GetValue(json), cancellation);
            }

            return await RunAsync(services, config, folder, listen.Read(parsed, services.Program), again, parsed.GetValue(json), cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        CliServices services, LoadedConfig config, string folder, SiloClusterOptions? cluster, string again, bool json, CancellationToken cancellation)
    {
        IRunDisplay display = RunDisplay.Create(services, json);
        try
        {
            (RunResults results, string report) = await display.ShowAsync(async observer =>
            {
                RunResults trained = cluster is null
                    ? await services.Engine.TrainAsync(config, folder, observer, cancellation)
                    : await services.Engine.TrainAsync(config, folder, cluster, observer, cancellation);
                return (trained, await ReportAsync(services, folder, trained, observer, cancellation));
            }, cancellation);
            Write(services, folder, results, report, json);
            return ExitCodes.Success;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            TextWriter error = services.Terminal.Error.Profile.Out.Writer;
            error.WriteLine($"Stopped. Everything finished so far is kept in {folder}; go on with:\n  {again}");
            return ExitCodes.Interrupted;
        }
    }

    /// <summary>What a finished run has come to.</summary>
    public static void Write(CliServices services, string folder, RunResults results, string report, bool json)
    {
        if (json)
        {
            JsonOutput.Write(services.Terminal, new { Run = folder, Report = report, Results = results });
        }
        else
        {
            RunSummaryView.Write(services.Terminal.Standard, results, report, $"{services.Program} generate {Shell.Quote(folder)} --prompt {Shell.Quote("This is")}");
        }
    }

    /// <summary>Writes the report of a finished run.</summary>
    /// <returns>Its path.</returns>
    public static async Task<string> ReportAsync(
        CliServices services, string folder, RunResults results, IRunObserver observer, CancellationToken cancellation)
    {
        long begun = services.Clock.GetTimestamp();
        observer.Observe(new StageStarted(Stage.Report, 0, ""));
        string report = await ReportFolder.WriteAsync(folder, results, cancellation);
        if (PlotFont.Problem is { } problem)
        {
            observer.Observe(new RunNote(problem, IsWarning: true));
        }

        observer.Observe(new StageFinished(Stage.Report, services.Clock.GetElapsedTime(begun), report));
        return report;
    }

    private static void CheckSource(CommandResult result, Argument<string?> file, Option<bool> demo, Option<string[]> data)
    {
        bool hasFile = result.GetResult(file) is { Tokens.Count: > 0 };
        bool isDemo = result.GetResult(demo) is not null && result.GetValue(demo);
        if (hasFile && isDemo)
        {
            string hint = result.GetResult(data) is { Implicit: false } ? $" {CommonOptions.DataHint}" : "";
            result.AddError($"train: a configuration file and --demo exclude each other; give one of them.{hint}");
        }
        else if (!hasFile && !isDemo)
        {
            result.AddError("train: which run? Give a configuration file ('dipaco init' writes one), or --demo.");
        }
    }
}
