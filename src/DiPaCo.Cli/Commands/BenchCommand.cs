using System.CommandLine;
using DiPaCo.Cli.Bench;
using DiPaCo.Cli.Output;

namespace DiPaCo.Cli.Commands;

/// <summary><c>dipaco bench</c>: what this machine can do.</summary>
internal static class BenchCommand
{
    /// <summary>Builds the verb.</summary>
    public static Command Create(CliServices services)
    {
        Option<bool> quick = new("--quick") { Description = "Fewer repetitions: seconds instead of a minute, less exact." };
        Option<bool> json = CommonOptions.Json();
        Command command = new("bench", "Measure this machine: matrix products, training steps, optimizer, files.") { quick, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            TextWriter error = services.Terminal.Error.Profile.Out.Writer;
            BenchResult result = await services.Bench.MeasureAsync(parsed.GetValue(quick), new LineProgress(error), cancellation);
            if (parsed.GetValue(json))
            {
                JsonOutput.Write(services.Terminal, result);
            }
            else
            {
                BenchView.Write(services.Terminal.Standard, result);
            }

            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>Unlike <see cref="Progress{T}"/> it keeps the order: the line is out before the measurement begins.</summary>
    private sealed class LineProgress(TextWriter writer) : IProgress<string>
    {
        public void Report(string value) => writer.WriteLine(value);
    }
}
