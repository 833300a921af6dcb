using System.Globalization;
using System.Text;
using DiPaCo.Runtime;

namespace DiPaCo.Cli.Progress;

/// <summary>Progress as text that <c>grep</c> and <c>cut</c> like: fixed keys, plain numbers.</summary>
internal static class PlainLine
{
    /// <summary>The stage as a word.</summary>
    public static string Name(Stage stage) => stage.ToString().ToLowerInvariant();

    /// <summary>Where a stage is.</summary>
    public static string Of(RunProgress progress)
    {
        StringBuilder line = new();
        line.Append(Name(progress.Stage!.Value)).Append(':');
        line.Append(progress.Share is { } share ? $" {100 * share:0}%" : $" {progress.Done} {progress.Unit}");
        if (progress.LastStep is { } step)
        {
            line.Append(step.Phase is { } phase ? $" phase={phase.Value + 1}" : "");
            line.Append(step.Path is { } path ? $" path={path.Value}" : "");
            line.Append(CultureInfo.InvariantCulture, $" step={step.Step} loss={progress.Loss:0.000} tokens_per_s={progress.TokensPerSecond:0}");
            line.Append(progress.MatrixShare is { } matrix ? $" matrix_rate={100 * matrix:0}%" : "");
        }

        line.Append(progress.Remaining is { } remaining ? $" left={remaining.TotalSeconds:0}s" : "");
        line.Append(progress.RunRemaining is { } run ? $" run_left={run.TotalSeconds:0}s" : "");
        return line.ToString();
    }

    /// <summary>The end of a phase.</summary>
    public static string Of(PhaseFinished phase)
    {
        string validation = phase.ValidationPerplexity is { } perplexity ? $" validation_perplexity={perplexity:0.00}" : "";
        string ledger = phase.Ledger is { } read
            ? $" sequences={read.Sequences} tokens={read.Tokens} lost_steps={read.LostSteps} duplicated_steps={read.DuplicatedSteps}"
            : "";
        return $"phase {phase.Phase.Value + 1}/{phase.Phases} done: loss={phase.TrainingLoss:0.000}{validation}{ledger}";
    }
}
