using DiPaCo.Cli.Output;
using DiPaCo.Runtime;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace DiPaCo.Cli.Progress;

/// <summary>The lines that stay on a terminal.</summary>
internal sealed class LiveLines
{
    private double? _perplexityBefore;

    /// <summary>The line of an event; null when it leaves none.</summary>
    public IRenderable? Of(RunEvent runEvent) => runEvent switch
    {
        MachineFound found => new Markup($"  [grey]{Markup.Escape(MachineLine.Of(found.Machine))}[/]\n\n"),
        StageFinished finished => new Markup(
            $"  [green]✓[/] {StageLabel.Of(finished.Stage),-StageLabel.Width}[grey]{Units.Duration(finished.Elapsed),12}[/]   {Escape(finished.Summary)}\n"),
        PhaseFinished phase => OfPhase(phase),
        RunNote { IsWarning: true } note => new Markup($"  [yellow]![/] {Escape(note.Text)}\n"),
        RunNote note => new Markup($"    [grey]{Escape(note.Text)}[/]\n"),
        _ => null,
    };

    private Markup OfPhase(PhaseFinished phase)
    {
        string of = $"phase {phase.Phase.Value + 1}/{phase.Phases}";
        string validation = "";
        if (phase.ValidationPerplexity is { } perplexity)
        {
            validation = $"   validation perplexity [bold]{Units.Perplexity(perplexity),7}[/]{Change(perplexity)}";
            _perplexityBefore = perplexity;
        }

        string ledger = phase.Ledger is { } read ? $"   [grey]{read.Tokens:N0} tokens, {read.LostSteps} steps lost, {read.DuplicatedSteps} made twice[/]" : "";
        return new Markup($"    [grey]{of,-StageLabel.Width}[/]   loss {phase.TrainingLoss,6:0.000}{validation}{ledger}\n");
    }

    private string Change(double perplexity)
    {
        if (_perplexityBefore is not { } before)
        {
            return "";
        }

        double change = (perplexity / before) - 1;
        return change <= 0 ? $"   [green]▼ {-100 * change:0.0} %[/]" : $"   [yellow]▲ {100 * change:0.0} %[/]";
    }

    private static string Escape(string text) => Markup.Escape(SafeText.OneLine(text, 300));
}
