using System.Collections.Immutable;
using System.CommandLine;
using DiPaCo.Cli.Output;
using DiPaCo.Core;
using DiPaCo.Runtime;

namespace DiPaCo.Cli.Commands;

/// <summary><c>dipaco ledger RUN</c>: what each path has learned from, phase by phase, and that nothing was lost or read twice.</summary>
internal static class LedgerCommand
{
    /// <summary>Builds the verb.</summary>
    public static Command Create(CliServices services)
    {
        Argument<string> folder = CommonOptions.RunFolder();
        Option<int?> phase = new("--phase") { HelpName = "N", Description = "Only this phase, from 1." };
        Option<int?> path = new("--path") { HelpName = "N", Description = "Only this path, from 0." };
        Option<bool> documents = new("--documents") { Description = "With --phase and --path: the documents, computed anew from the path's shard and compared with the ledger." };
        Option<bool> json = CommonOptions.Json();
        Command command = new("ledger", "Show what each path of a run has learned from, and that no step was lost or made twice.") { folder, phase, path, documents, json };
        command.Validators.Add(result =>
        {
            if (result.GetValue(documents) && (result.GetValue(phase) is null || result.GetValue(path) is null))
            {
                result.AddError("--documents needs --phase and --path: which path, in which phase?");
            }
        });
        command.SetAction(async (parsed, cancellation) =>
        {
            string run = parsed.GetRequiredValue(folder);
            TokenLedger ledger = services.Engine.ReadLedger(run);
            TokenLedger shown = ledger with { Phases = Only(ledger, parsed.GetValue(phase), parsed.GetValue(path)) };
            if (parsed.GetValue(documents))
            {
                PathConsumption line = shown.Phases[0].Paths[0];
                ImmutableArray<DocumentConsumption> read = await services.Engine.ReadDocumentsAsync(run, line, cancellation);
                WriteDocuments(services.Terminal, line, read, parsed.GetValue(json));
            }
            else if (parsed.GetValue(json))
            {
                JsonOutput.Write(services.Terminal, shown);
            }
            else
            {
                LedgerView.Write(services.Terminal.Standard, shown, parsed.GetValue(phase) is not null || parsed.GetValue(path) is not null);
            }

            return ledger.IsBalanced ? ExitCodes.Success : ExitCodes.Damaged;
        });
        return command;
    }

    private static ImmutableArray<PhaseConsumption> Only(TokenLedger ledger, int? phase, int? path)
    {
        ImmutableArray<PhaseConsumption> phases = phase is { } number
            ? [.. ledger.Phases.Where(each => each.Phase.Value == number - 1)]
            : ledger.Phases;
        if (phase is { } wanted && phases.IsEmpty)
        {
            throw new DiPaCoException($"--phase is {wanted}; {Ended(ledger)}.");
        }

        if (path is { } id)
        {
            phases = [.. phases.Select(each => each with { Paths = [.. each.Paths.Where(line => line.Path.Value == id)] }).Where(each => !each.Paths.IsEmpty)];
            if (phases.IsEmpty)
            {
                throw new DiPaCoException($"--path is {id}; no such path had a turn {(phase is null ? "in any phase that has ended" : $"in phase {phase}")}.");
            }
        }

        return phases;
    }

    private static string Ended(TokenLedger ledger) => ledger.Phases.Length switch
    {
        0 => "no phase of this run has ended, or an older version of dipaco made it, which kept no ledger",
        1 => "phase 1 is the only one of this run that has ended",
        int count => $"1 to {count} have ended",
    };

    private static void WriteDocuments(Terminal terminal, PathConsumption line, ImmutableArray<DocumentConsumption> read, bool asJson)
    {
        if (asJson)
        {
            JsonOutput.Write(terminal, new { line.Path, line.Task, line.Tokens, Documents = read });
            return;
        }

        LedgerView.WriteDocuments(terminal.Standard, line, read);
    }
}
