using System.CommandLine;
using DiPaCo.Cli.Report;
using DiPaCo.Runtime;

namespace DiPaCo.Cli.Commands;

/// <summary><c>dipaco report RUN</c>: make report and plots again from <c>results.json</c>.</summary>
internal static class ReportCommand
{
    /// <summary>Builds the verb.</summary>
    public static Command Create(CliServices services)
    {
        Argument<string> folder = CommonOptions.RunFolder();
        Command command = new("report", "Make report.html and the plots of a finished run again.") { folder };
        command.SetAction(async (parsed, cancellation) =>
        {
            string run = parsed.GetRequiredValue(folder);
            RunResults results = await ResultsFile.ReadAsync(run, cancellation);
            services.Terminal.WriteLine(await ReportFolder.WriteAsync(run, results, cancellation));
            return ExitCodes.Success;
        });
        return command;
    }
}
