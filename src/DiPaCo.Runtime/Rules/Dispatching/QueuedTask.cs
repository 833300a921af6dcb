using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Rules;

/// <summary>A waiting task's place in the queue: by priority, then age, then key.</summary>
/// <param name="Priority">Larger goes first.</param>
/// <param name="Submitted">Earlier goes first.</param>
/// <param name="Key">The task.</param>
public sealed record QueuedTask(int Priority, DateTimeOffset Submitted, TaskKey Key) : IComparable<QueuedTask>
{
    /// <inheritdoc/>
    public int CompareTo(QueuedTask? other) =>
        other is null ? 1
        : Priority != other.Priority ? other.Priority.CompareTo(Priority)
        : Submitted != other.Submitted ? Submitted.CompareTo(other.Submitted)
        : Key.CompareTo(other.Key);

    /// <summary>Orders by place in the queue.</summary>
    public static bool operator <(QueuedTask left, QueuedTask right) => left.CompareTo(right) < 0;

    /// <summary>Orders by place in the queue.</summary>
    public static bool operator >(QueuedTask left, QueuedTask right) => left.CompareTo(right) > 0;

    /// <summary>Orders by place in the queue.</summary>
    public static bool operator <=(QueuedTask left, QueuedTask right) => left.CompareTo(right) <= 0;

    /// <summary>Orders by place in the queue.</summary>
    public static bool operator >=(QueuedTask left, QueuedTask right) => left.CompareTo(right) >= 0;
}
