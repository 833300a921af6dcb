using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Tests.Rules.Simulation;

/// <summary>Why the dispatcher's state changes: what the invariants allow depends on it.</summary>
/// <param name="Worker">The worker that speaks.</param>
/// <param name="Lease">The lease in whose name it speaks.</param>
/// <param name="IsAll">Whether it speaks of all its leases: it registers or leaves.</param>
/// <param name="IsTick">Whether time has passed.</param>
/// <param name="HasEnded">Whether the run has ended.</param>
/// <param name="Acknowledged">The task whose end an owner acknowledges.</param>
internal readonly record struct Cause(
    WorkerId Worker = default, LeaseNumber Lease = default, bool IsAll = false, bool IsTick = false, bool HasEnded = false, TaskKey Acknowledged = default);
