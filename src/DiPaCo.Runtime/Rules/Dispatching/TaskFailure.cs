using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>An attempt at a task that brought nothing.</summary>
/// <param name="Worker">Who tried.</param>
/// <param name="Lease">Under which lease.</param>
/// <param name="At">When.</param>
/// <param name="Reason">Why, for people.</param>
/// <param name="Refused">The digest of a result that was refused at the door; null: there was none.</param>
public sealed record TaskFailure(WorkerId Worker, LeaseNumber Lease, DateTimeOffset At, string Reason, BlobHash? Refused = null)
{
    /// <summary>Whether another attempt may end otherwise.</summary>
    public FailureKind Kind { get; init; } = FailureKind.Unexplained;
}
