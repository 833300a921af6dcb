using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Rules;

namespace DiPaCo.Runtime.Tests.Rules.Simulation;

/// <summary>The shell around a run's rules, the recipe between segments, and the operator.</summary>
internal sealed class RunParty(World world) : StatefulParty<RunRecord>(world, "run", new RunRecord(Setting.Run))
{
    private bool _isRecipeBusy;
    private bool _isOperatorBusy;

    public void OnPathOrdered(PathId path, OrderReply reply) => State = RunRules.Heard(State, path, reply, Now);

    public void OnModuleOrdered(ModuleId module, OrderReply reply) => State = RunRules.Heard(State, module, reply, Now);

    public void OnReport(PathParty path, PathReport report)
    {
        (State, RecordVerdict verdict) = World.Rules.Record(State, report, Now);
        Send(path, "report answered", () => path.OnRecorded(report.Ledger.Phase, verdict));
    }

    public void OnVersion(ModuleParty module, ModuleVersion version)
    {
        (State, RecordVerdict verdict) = RunRules.Record(State, version, Now);
        Send(module, "version answered", () => module.OnRecorded(version.Version, verdict));
    }

    public void OnFailure(PartyFailure failure, Func<long, Action> answer, Party from)
    {
        (State, long number) = RunRules.Failed(State, failure, Now);
        Send(from, "failure heard", answer(number));
    }

    public void OnStanding(long number) => State = RunRules.StandingHeard(State, number, Now);

    public void OnPathDeleted(PathId path) => State = RunRules.DeletionHeard(State, path, Now);

    public void OnModuleDeleted(ModuleId module) => State = RunRules.DeletionHeard(State, module, Now);

    public void Pause()
    {
        World.Seen.Pauses++;
        State = RunRules.Pause(State, Now);
    }

    public void Delete()
    {
        World.Seen.Deletions++;
        State = RunRules.Delete(State, Now);
    }

    public override void Recover()
    {
        base.Recover();
        _isRecipeBusy = false;
        _isOperatorBusy = false;
    }

    public override void SendOutstanding()
    {
        if (!_isRecipeBusy && State.Stage is RunStage.Preparing or RunStage.BetweenSegments or RunStage.Finishing)
        {
            _isRecipeBusy = true;
            World.Plan(this, 20 + World.Draw(100), "recipe goes on", GoOn);
        }

        if (!_isOperatorBusy && State.Stage is RunStage.Paused or RunStage.Failed)
        {
            _isOperatorBusy = true;
            World.Plan(this, 300 + World.Draw(2_000), "is resumed", Resume);
        }

        RunOutstanding outstanding = RunRules.Outstanding(State);
        foreach ((PathId path, PathOrder order) in outstanding.Paths)
        {
            PathParty party = World.Paths[path.Value];
            SendOnce(order, 0, party, "order", () => party.OnOrder(order));
        }

        foreach (ModuleOrder order in outstanding.Modules)
        {
            ModuleParty party = World[order.Start.Module];
            SendOnce(order, 0, party, "order", () => party.OnOrder(order));
        }

        foreach (PathId path in outstanding.DeletedPaths)
        {
            PathParty party = World.Paths[path.Value];
            SendOnce(party, 0, party, "deletion", party.OnDeleted);
        }

        foreach (ModuleId module in outstanding.DeletedModules)
        {
            ModuleParty party = World[module];
            SendOnce(party, 0, party, "deletion", party.OnDeleted);
        }

        if (outstanding.Standing is { } standing)
        {
            SendOnce(World.Dispatcher, (int)standing.Number, World.Dispatcher, "standing", () => World.Dispatcher.OnStanding(standing));
        }
    }

    /// <summary>Each phase ends once, with exactly the undisturbed run's documents and tokens.</summary>
    protected override void Check(RunRecord before, RunRecord after)
    {
        for (int i = before.Ledger.Length; i < after.Ledger.Length; i++)
        {
            if (i >= World.Reference.Ledger.Count || after.Ledger[i] != World.Reference.Ledger[i])
            {
                throw new SimulationException($"The ledger says {after.Ledger[i]}, the undisturbed run {World.Reference.Ledger.ElementAtOrDefault(i)}.");
            }
        }

        if (after.Ledger.Length < before.Ledger.Length)
        {
            throw new SimulationException("The ledger got shorter.");
        }

        if (after.Stage == RunStage.Failed && before.Stage != RunStage.Failed && !after.Failure!.Contains("attempts failed", StringComparison.Ordinal))
        {
            throw new SimulationException($"The run has failed for no good reason: {after.Failure}");
        }
    }

    private void Resume()
    {
        _isOperatorBusy = false;
        State = RunRules.Resume(State, Now);
    }

    private void GoOn()
    {
        _isRecipeBusy = false;
        Setting setting = World.Faults.Setting;
        if (State.Stage is RunStage.Preparing or RunStage.BetweenSegments)
        {
            Segment? next = setting.Segments.FirstOrDefault(segment => segment.First.Value == (State.Segment?.End.Value ?? 0));
            State = next is null ? RunRules.Finish(State, Now) : RunRules.Begin(
                State, next,
                Setting.Paths.ToImmutableSortedDictionary(path => path, path => setting.OrderOf(path, next, State.Paths.GetValueOrDefault(path))),
                setting.Modules.ToImmutableSortedDictionary(module => module, module => setting.OrderOf(module, next, State.Modules.GetValueOrDefault(module))),
                Now);
        }
        else if (State.Stage == RunStage.Finishing)
        {
            State = RunRules.Finished(State, Now);
        }
    }
}
