using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Tests.Rules.Simulation;

/// <summary>The rules as the simulation calls them, so that a test can break one.</summary>
internal class SimulatedRules
{
    public virtual (DispatcherState State, HeartbeatReply Reply) Heartbeat(DispatcherRules rules, DispatcherState state, Heartbeat beat, DateTimeOffset now) =>
        rules.Heartbeat(state, beat, now);

    public virtual DispatcherState HandBack(
        DispatcherRules rules, DispatcherState state, WorkerId worker, LeaseNumber lease, TaskKey key, Continuation? continuation, DateTimeOffset now) =>
        DispatcherRules.HandBack(state, worker, lease, key, continuation, now);

    public virtual DispatcherState Fail(DispatcherRules rules, DispatcherState state, WorkerId worker, LeaseNumber lease, TaskKey key, DateTimeOffset now) =>
        rules.Fail(state, worker, lease, key, "A disk was full.", FailureKind.Passing, now);

    public virtual (DispatcherState State, LeaseReply Reply) Lease(DispatcherRules rules, DispatcherState state, LeaseRequest request, DateTimeOffset now) =>
        rules.Lease(state, request, now);

    public virtual (DispatcherState State, CompletionReply Reply) Complete(DispatcherRules rules, DispatcherState state, Completion completion, DateTimeOffset now) =>
        rules.Complete(state, completion, now);

    public virtual DispatcherState Tick(DispatcherRules rules, DispatcherState state, DateTimeOffset now) => rules.Tick(state, now);

    public virtual DispatcherState Volatile(DispatcherState lost, long starts) => DispatcherState.StartingAfter(new LeaseNumber(starts << 40));

    public virtual (ModuleState State, ContributionReply Reply) Contribute(ModuleState state, PathContribution contribution, DateTimeOffset now) =>
        ModuleRules.Contribute(state, contribution, now);

    public virtual NeededFold? FoldNeeded(ModuleState state) => ModuleRules.FoldNeeded(state);

    public virtual ModuleState StartFold(ModuleState state, TaskDemand task, DateTimeOffset now) => ModuleRules.StartFold(state, task, now);

    public virtual NeededOuterStep? TaskNeeded(ModuleState state) => ModuleRules.TaskNeeded(state);

    public virtual ModuleState Recorded(ModuleState state, DiPaCo.Core.Phase version) => ModuleRules.Recorded(state, version);

    public virtual PathState Trained(PathState state, TaskKey key, TrainedPhase result, DateTimeOffset now) => PathRules.Trained(state, key, result, now);

    public virtual (RunRecord State, RecordVerdict Verdict) Record(RunRecord state, PathReport report, DateTimeOffset now) => RunRules.Record(state, report, now);
}
