using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Rules;

namespace DiPaCo.Runtime.Tests.Rules.Simulation;

/// <summary>The shell around a path's rules.</summary>
internal sealed class PathParty(World world, PathId path) : StatefulParty<PathState>(world, $"path {path}", new PathState(Setting.Run, path))
{
    public PathId Path => path;

    public void OnOrder(PathOrder order)
    {
        (State, OrderReply reply) = PathRules.Order(State, order, Now);
        Send(World.Run, "order answered", () => World.Run.OnPathOrdered(path, reply));
    }

    public void OnVersion(ModuleParty module, ModuleVersion version)
    {
        (State, Phase heard) = PathRules.Hear(State, version, Now);
        Send(module, "version heard", () => module.OnHeard(path, heard));
    }

    public void OnSettled(TaskSettled settled)
    {
        if (settled.Outcome is { } outcome)
        {
            (long documents, long tokens) = Arithmetic.Counts(outcome.Metrics);
            ImmutableSortedDictionary<ModuleId, BlobHash> modules = ImmutableSortedDictionary.CreateRange(
                outcome.Outputs.Where(output => output.Key != "optimizer").Select(output => KeyValuePair.Create(new ModuleId(output.Key), output.Value)));
            State = World.Rules.Trained(State, settled.Key, new TrainedPhase(modules, outcome.Outputs["optimizer"], documents, tokens, outcome.Fingerprint), Now);
        }
        else
        {
            State = PathRules.GivenUp(State, settled.Key, settled.SettledBy, settled.GaveUp!, Now);
        }

        Send(World.Dispatcher, "result acknowledged", () => World.Dispatcher.OnAcknowledged(settled));
    }

    public void OnContributed(ContributionReply reply) => State = PathRules.Delivered(State, reply, Now);

    public void OnRecorded(Phase phase, RecordVerdict verdict) => State = verdict == RecordVerdict.NotYet ? State : PathRules.Recorded(State, phase);

    public void OnFailureHeard(long number) => State = PathRules.FailureHeard(State, number);

    public void OnDeleted()
    {
        State = PathRules.Delete(State, Now);
        Send(World.Run, "deletion heard", () => World.Run.OnPathDeleted(path));
    }

    public override void SendOutstanding()
    {
        if (PathRules.TaskNeeded(State) is { } needed)
        {
            TaskDemand demand = new(Arithmetic.KeyOf(needed), "train", Setting.Run, TaskOwner.Of(path))
            {
                Flops = 1_000 * needed.Steps, MemoryBytes = 1, Divisible = true, Fingerprint = Arithmetic.Fingerprint,
                Inputs = [.. needed.Modules.Select(module => new TaskInput(module.Blob, 100))],
            };
            State = PathRules.Start(State, demand, Now);
        }

        PathOutstanding outstanding = PathRules.Outstanding(State);
        if (outstanding.Submit is { } submit)
        {
            SendOnce(submit, 0, World.Dispatcher, "task", () => World.Dispatcher.OnSubmitted(submit));
        }

        foreach (PathContribution contribution in outstanding.Contributions)
        {
            ModuleParty module = World[contribution.Module];
            SendOnce(contribution, 0, module, "contribution", () => module.OnContribution(this, contribution));
        }

        foreach (PathReport report in outstanding.Reports)
        {
            SendOnce(report, 0, World.Run, "report", () => World.Run.OnReport(this, report));
        }

        if (outstanding.Failure is { } failure)
        {
            SendOnce(failure.Reason, 0, World.Run, "failure", () => World.Run.OnFailure(failure, number => () => OnFailureHeard(number), this));
        }
    }

    protected override void Check(PathState before, PathState after)
    {
        if (after.Status == PathStatus.Deleted)
        {
            return;
        }

        if (after.Phase.Value < before.Phase.Value || after.StepsMade < before.StepsMade)
        {
            throw new SimulationException($"Path {path} went back from phase {before.Phase} to {after.Phase}.");
        }

        if (after.StepsMade != before.StepsMade && after.StepsMade != before.StepsMade + Setting.Steps)
        {
            throw new SimulationException($"Path {path} made {after.StepsMade - before.StepsMade} steps at once.");
        }

        if (after.Status == PathStatus.Training && before.Status != PathStatus.Training && World.Run.Saved.Phase.Value < after.Phase.Value)
        {
            World.Seen.EarlyStarts++;
        }
    }
}
