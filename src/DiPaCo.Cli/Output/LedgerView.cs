using System.Collections.Immutable;
using System.Globalization;
using DiPaCo.Runtime;
using Spectre.Console;

namespace DiPaCo.Cli.Output;

/// <summary>What <c>ledger</c> shows.</summary>
internal static class LedgerView
{
    private const int MostShown = 50;

    /// <summary>Writes the phases.</summary>
    /// <param name="console">Where.</param>
    /// <param name="ledger">What was asked for.</param>
    /// <param name="byPath">Whether each path has a line of its own.</param>
    public static void Write(IAnsiConsole console, TokenLedger ledger, bool byPath)
    {
        Table table = TableOf(byPath ? ["phase", "path"] : ["phase", "paths"], "steps", "sequences", "tokens", "lost", "made twice");
        foreach (PhaseConsumption phase in ledger.Phases)
        {
            string number = string.Create(CultureInfo.InvariantCulture, $"{phase.Phase.Value + 1}");
            string[] balance = [Units.Count(phase.LostSteps), Units.Count(phase.DuplicatedSteps)];
            if (!byPath)
            {
                table.AddRow(
                    [number, Units.Count(phase.Paths.Length), Units.Count(phase.Paths.Sum(path => path.Steps)), Units.Count(phase.Paths.Sum(path => path.Sequences)),
                    Units.Count(phase.Paths.Sum(path => path.Tokens)), .. balance]);
                continue;
            }

            foreach (PathConsumption path in phase.Paths)
            {
                table.AddRow([number, $"{path.Path}", Units.Count(path.Steps), Units.Count(path.Sequences), Units.Count(path.Tokens), .. balance]);
            }
        }

        console.Write(table);
        foreach (string contradiction in ledger.Contradictions)
        {
            console.MarkupLine($"[red]✗[/] {Markup.Escape(SafeText.OneLine(contradiction, 200))}");
        }

        if (ledger.Phases.IsEmpty)
        {
            console.WriteLine("No phase has ended yet, or an older version of dipaco made this run, which kept no ledger.");
        }
        else
        {
            console.WriteLine(ledger.IsBalanced
                ? $"{Units.Count(ledger.Tokens)} tokens, each step exactly once."
                : "This ledger does not balance.");
        }
    }

    /// <summary>Writes the documents of a path and phase, those with most tokens first.</summary>
    public static void WriteDocuments(IAnsiConsole console, PathConsumption line, ImmutableArray<DocumentConsumption> read)
    {
        Table table = TableOf(["origin", "source"], "chunk", "document", "sequences", "tokens");
        foreach (DocumentConsumption document in read.OrderByDescending(document => document.Tokens).Take(MostShown))
        {
            table.AddRow(
                document.Origin, Markup.Escape(SafeText.OneLine(document.Source, 40)), Units.Count(document.Chunk), Units.Count(document.Document), Units.Count(document.Sequences),
                Units.Count(document.Tokens));
        }

        console.Write(table);
        console.WriteLine($"{Units.Count(read.Length, "document")}{(read.Length > MostShown ? $", of which the {MostShown} most read are shown (--json has all)" : "")}, {Units.Count(line.Tokens)} tokens, as the ledger says.");
    }

    private static Table TableOf(string[] names, params string[] numbers)
    {
        Table table = new() { Border = TableBorder.Rounded };
        table.AddColumns(names);
        foreach (string number in numbers)
        {
            table.AddColumn(new TableColumn(number) { Alignment = Justify.Right, NoWrap = true });
        }

        return table;
    }
}
