using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>The end of a phase: everything is there, the ledger is balanced, the run goes on from the new versions.</summary>
internal static class PhaseEnd
{
    /// <summary>Whether all paths with a turn have reported and all modules have published.</summary>
    public static bool IsComplete(RunRecord state, OpenPhase open)
    {
        if (open.Versions.Count < state.ModuleOrders.Count)
        {
            return false;
        }

        foreach ((PathId path, PathOrder order) in state.PathOrders)
        {
            if (order.TurnFrom(state.Phase)?.Phase == state.Phase && !open.Reports.ContainsKey(path))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Compares what paths have consumed with what they should have.</summary>
    public static PhaseLedger Balance(RunRecord state, OpenPhase open)
    {
        long steps = 0, sequences = 0, tokens = 0, lost = 0, duplicated = 0;
        foreach ((PathId path, PathReport report) in open.Reports)
        {
            LedgerEntry entry = report.Ledger;
            bool hasTurn = state.PathOrders.TryGetValue(path, out PathOrder? order) && order.TurnFrom(state.Phase)?.Phase == state.Phase;
            long wanted = hasTurn ? order!.TurnFrom(state.Phase)!.Value.Steps : 0;
            long gap = entry.FirstStep - (state.Paths.GetValueOrDefault(path)?.StepsMade ?? 0);
            lost += Math.Max(gap, 0) + Math.Max(wanted - entry.Steps, 0);
            duplicated += Math.Max(-gap, 0) + Math.Max(entry.Steps - wanted, 0);
            steps += entry.Steps;
            sequences += entry.Sequences;
            tokens += entry.Tokens;
        }

        return new PhaseLedger(state.Phase, open.Reports.Count, steps, sequences, tokens, lost, duplicated);
    }

    /// <summary>The run after a phase.</summary>
    public static RunRecord Close(RunRecord state, OpenPhase open, PhaseLedger ledger)
    {
        ImmutableSortedDictionary<PathId, PathPosition> paths = state.Paths;
        foreach ((PathId path, PathReport report) in open.Reports)
        {
            paths = paths.SetItem(path, new PathPosition(report.Optimizer, report.Ledger.FirstStep + report.Ledger.Steps));
        }

        return state with
        {
            Phase = state.Phase.Next,
            Modules = state.Modules.SetItems(open.Versions),
            Paths = paths,
            Open = state.Open.Remove(state.Phase.Value),
            Ledger = state.Ledger.Add(ledger),
        };
    }
}
