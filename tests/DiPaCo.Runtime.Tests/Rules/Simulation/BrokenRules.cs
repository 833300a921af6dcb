using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Tests.Rules.Simulation;

/// <summary>Rules that are wrong on purpose, each in one way.</summary>
internal static class BrokenRules
{
    public static IReadOnlyDictionary<string, SimulatedRules> All { get; } = new Dictionary<string, SimulatedRules>
    {
        ["leases are not fenced: who hands back or fails ends whatever lease the task has"] = new UnfencedLeases(),
        ["lease numbers begin anew with the dispatcher"] = new NumbersAnew(),
        ["an expired lease takes its task along"] = new TasksExpire(),
        ["a module publishes without waiting for all its paths"] = new ImpatientModule(),
        ["a module lets the newest contribution replace an earlier one of the next phase"] = new LateContributionsCount(),
        ["a module folds a group before the one before it is in"] = new HastyFolds(),
        ["an outer step forgets what was folded"] = new ForgottenFolds(),
        ["a path takes any result for the one that it waits for"] = new CredulousPath(),
        ["a module forgets a version that the run has not recorded"] = new ForgetfulModule(),
        ["a report that comes twice is counted twice"] = new DoubleEntry(),
    };

    private sealed class UnfencedLeases : SimulatedRules
    {
        public override DispatcherState HandBack(
            DispatcherRules rules, DispatcherState state, WorkerId worker, LeaseNumber lease, TaskKey key, Continuation? continuation, DateTimeOffset now) =>
            Any(state, key) is { } any ? base.HandBack(rules, state, any.Worker, any.Number, key, continuation, now) : state;

        public override DispatcherState Fail(DispatcherRules rules, DispatcherState state, WorkerId worker, LeaseNumber lease, TaskKey key, DateTimeOffset now) =>
            Any(state, key) is { } any ? base.Fail(rules, state, any.Worker, any.Number, key, now) : state;

        private static Lease? Any(DispatcherState state, TaskKey key) => state.Tasks.GetValueOrDefault(key)?.Leases.FirstOrDefault();
    }

    private sealed class NumbersAnew : SimulatedRules
    {
        // A number that an old lease has already had is given again, so that the old holder passes for the new one.
        public override (DispatcherState State, LeaseReply Reply) Lease(DispatcherRules rules, DispatcherState state, LeaseRequest request, DateTimeOffset now) =>
            base.Lease(rules, state.LastLease.Value % 8 == 7 ? state with { LastLease = LeaseNumber.None } : state, request, now);
    }

    private sealed class TasksExpire : SimulatedRules
    {
        public override DispatcherState Tick(DispatcherRules rules, DispatcherState state, DateTimeOffset now)
        {
            DispatcherState next = base.Tick(rules, state, now);
            foreach (QueuedTask queued in next.Waiting.Except(state.Waiting))
            {
                next = next with { Waiting = next.Waiting.Remove(queued), Tasks = next.Tasks.Remove(queued.Key) };
            }

            return next;
        }
    }

    private sealed class ImpatientModule : SimulatedRules
    {
        public override (ModuleState State, ContributionReply Reply) Contribute(ModuleState state, PathContribution contribution, DateTimeOffset now)
        {
            (state, ContributionReply reply) = base.Contribute(state, contribution, now);
            // Now and then only: a mistake that always shows is no test of the simulation.
            if (state is { Status: ModuleStatus.Collecting, Order: { } order, Latest: { } latest } && order.Segment.Contains(latest.Version) && now.Millisecond % 10 == 0)
            {
                ImmutableArray<ImmutableArray<PathId>> expected = order.Expected.SetItem(latest.Version.Value - order.Segment.First.Value, [.. state.Contributions.Keys]);
                state = state.Contributions.IsEmpty ? state : state with { Order = order with { Expected = expected } };
            }

            return (state, reply);
        }
    }

    private sealed class LateContributionsCount : SimulatedRules
    {
        public override (ModuleState State, ContributionReply Reply) Contribute(ModuleState state, PathContribution contribution, DateTimeOffset now) =>
            base.Contribute(state, state.Latest is { } latest ? contribution with { Phase = latest.Version } : contribution, now);
    }

    private sealed class HastyFolds : SimulatedRules
    {
        public override NeededFold? FoldNeeded(ModuleState state) => base.FoldNeeded(state) ?? Next(state);

        public override ModuleState StartFold(ModuleState state, TaskDemand task, DateTimeOffset now) =>
            state with { Status = ModuleStatus.Folding, Task = task, Since = now };

        private static NeededFold? Next(ModuleState state)
        {
            int folded = state.Folded?.Paths ?? 0;
            if (state is not { Status: ModuleStatus.Collecting, Order: { FoldPaths: > 0 } order, Latest: { } latest }
                || !order.Segment.Contains(latest.Version) || folded + order.FoldPaths >= order.FoldedIn(latest.Version))
            {
                return null;
            }

            ImmutableArray<PathContribution> group =
                [.. state.Contributions.Values.Where(each => order.ExpectedIn(latest.Version).IndexOf(each.Path) >= folded + order.FoldPaths).Take(order.FoldPaths)];
            return group.Length == order.FoldPaths ? new NeededFold(latest, state.Folded, group) : null;
        }
    }

    private sealed class ForgottenFolds : SimulatedRules
    {
        public override NeededOuterStep? TaskNeeded(ModuleState state) => base.TaskNeeded(state) is { Folded: { } folded } needed
            ? needed with { Contributions = needed.Contributions[folded.Paths..], Folded = null }
            : base.TaskNeeded(state);
    }

    private sealed class CredulousPath : SimulatedRules
    {
        public override PathState Trained(PathState state, TaskKey key, TrainedPhase result, DateTimeOffset now) =>
            base.Trained(state, state.Task?.Key ?? key, result, now);
    }

    private sealed class ForgetfulModule : SimulatedRules
    {
        public override ModuleState Recorded(ModuleState state, Phase version) => state with { Unrecorded = [] };
    }

    private sealed class DoubleEntry : SimulatedRules
    {
        public override (RunRecord State, RecordVerdict Verdict) Record(RunRecord state, PathReport report, DateTimeOffset now)
        {
            (RunRecord next, RecordVerdict verdict) = base.Record(state, report, now);
            if (verdict != RecordVerdict.Known || !state.Open.TryGetValue(report.Ledger.Phase.Value, out OpenPhase? open))
            {
                return (next, verdict);
            }

            PathReport twice = report with { Ledger = report.Ledger with { Tokens = 2 * report.Ledger.Tokens } };
            return (next with { Open = next.Open.SetItem(report.Ledger.Phase.Value, open with { Reports = open.Reports.SetItem(report.Ledger.Path, twice) }) }, verdict);
        }
    }
}
