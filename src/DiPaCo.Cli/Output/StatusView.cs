using DiPaCo.Cli.Progress;
using DiPaCo.Runtime;
using Spectre.Console;

namespace DiPaCo.Cli.Output;

/// <summary>What <c>status</c> shows.</summary>
internal static class StatusView
{
    /// <summary>Writes the status, and what to do next.</summary>
    /// <param name="console">Where.</param>
    /// <param name="folder">The run's folder.</param>
    /// <param name="status">How far it is.</param>
    /// <param name="goOn">The command with which a stopped run goes on; null where only the one that began it does.</param>
    public static void Write(IAnsiConsole console, string folder, RunStatus status, string? goOn)
    {
        Grid grid = new Grid().AddColumn(new GridColumn { NoWrap = true }).AddColumn();
        Add(grid, "run", status.Name);
        Add(grid, "state", status.State switch
        {
            RunState.Running => "running",
            RunState.Stopped => goOn is null ? "stopped; its 'dipaco train' command goes on" : "stopped; go on with the command below",
            _ => "finished",
        });
        if (status.Stage is { } stage)
        {
            Add(grid, "stage", StageLabel.Of(stage));
        }

        Add(grid, "phases", $"{status.PhasesDone} of {status.Phases}");
        if (status.Model is { } model)
        {
            Add(grid, "model", $"{Units.Count(model.Paths, "path")} of {Units.Short(model.ParametersPerPath)} parameters, {Units.Count(model.Modules, "module")}, {Units.Short(model.ParametersTotal)} in all");
        }

        if (!status.Validation.IsEmpty)
        {
            Add(grid, "validation", $"perplexity {Units.Perplexity(status.Validation[^1].Perplexity)} after phase {status.Validation[^1].Phase.Value + 1}");
        }

        Add(grid, "model digest", status.ModelDigest ?? "none yet");
        console.Write(grid);
        if (status.State == RunState.Stopped && goOn is not null)
        {
            // Past the console, which would wrap a long line.
            console.Profile.Out.Writer.WriteLine($"  {SafeText.Of(goOn)}");
        }

        if (!status.Evaluation.IsEmpty)
        {
            console.WriteLine();
            console.Write(PerplexityTable.Of(status.Evaluation));
            if (RouterText.Of(status.Router) is { } router)
            {
                console.MarkupLine($"[grey]{Markup.Escape(router)}[/]");
            }

            string report = Path.Combine(folder, "report.html");
            if (File.Exists(report))
            {
                console.MarkupLine($"[grey]report:[/] {Markup.Escape(report)}");
            }
        }
    }

    private static void Add(Grid grid, string name, string value) =>
        grid.AddRow(new Text(name, new Style(Color.Grey)), new Text(SafeText.OneLine(value, 200)));
}
