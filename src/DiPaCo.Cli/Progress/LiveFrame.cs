using DiPaCo.Cli.Output;
using DiPaCo.Runtime;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace DiPaCo.Cli.Progress;

/// <summary>The part of a terminal that is redrawn: a bar, and the numbers of the training step below it.</summary>
internal static class LiveFrame
{
    private const string Spinner = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";
    private const int BarWidth = 30;

    /// <summary>Draws one frame.</summary>
    public static IRenderable Draw(RunProgress progress, int frame, bool stopping, int width)
    {
        if (progress.Stage is not { } stage)
        {
            return stopping ? new Markup("  [yellow]stopping after the work at hand …[/]") : new Text("");
        }

        string head = $"  [blue]{Spinner[frame % Spinner.Length]}[/] {StageLabel.Of(stage),-StageLabel.Width}";
        string done = progress.Share is { } share
            ? $"{Bar(share)} {Units.Percent(share),5}"
            : progress.Done > 0 ? $"{Units.Count(progress.Done)} {progress.Unit}" : "";
        string left = stopping
            ? "   [yellow]stopping after the work at hand …[/]"
            : progress.Remaining is { } remaining ? $"   [grey]{Units.Duration(remaining)} left{OfRun(progress)}[/]" : "";
        Markup first = new($"{head}{done}{left}");
        return progress.LastStep is { } step ? new Rows(first, Numbers(progress, step, width)) : first;
    }

    private static string OfRun(RunProgress progress) => progress.RunRemaining is { } run ? $", {Units.Duration(run)} in all" : "";

    private static string Bar(double share)
    {
        int halves = (int)(share * BarWidth * 2);
        string full = new('━', halves / 2);
        string half = halves % 2 == 1 ? "╸" : "";
        string rest = new('━', BarWidth - full.Length - half.Length);
        return $"[blue]{full}{half}[/][grey35]{rest}[/]";
    }

    private static Text Numbers(RunProgress progress, StepMade step, int width)
    {
        List<string> parts = [];
        if (step.Phase is { } phase)
        {
            parts.Add(progress.Phases > 0 ? $"phase {phase.Value + 1}/{progress.Phases}" : $"phase {phase.Value + 1}");
        }

        if (step.Path is { } path)
        {
            parts.Add($"path {path}");
        }

        parts.Add($"step {Units.Count(step.Step)}");
        parts.Add($"loss {progress.Loss:0.000}");
        parts.Add($"{Units.Count((long)progress.TokensPerSecond)} tokens/s");
        if (progress.MatrixShare is { } matrix)
        {
            parts.Add($"{Units.Percent(matrix)} of the matrix rate");
        }

        string line = $"    {string.Join(" · ", parts)}";
        return new Text(line.Length < width ? line : line[..(width - 1)], new Style(Color.Grey));
    }
}
