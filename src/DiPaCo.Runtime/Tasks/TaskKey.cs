namespace DiPaCo.Runtime.Tasks;

/// <summary>The name of a task: 64 hexadecimal digits.</summary>
/// <param name="Hex">The digits.</param>
public readonly record struct TaskKey(string Hex) : IComparable<TaskKey>
{
    /// <inheritdoc/>
    public int CompareTo(TaskKey other) => string.CompareOrdinal(Hex, other.Hex);

    /// <inheritdoc/>
    public override string ToString() => Hex;

    /// <summary>Orders by hexadecimal digits.</summary>
    public static bool operator <(TaskKey left, TaskKey right) => left.CompareTo(right) < 0;

    /// <summary>Orders by hexadecimal digits.</summary>
    public static bool operator >(TaskKey left, TaskKey right) => left.CompareTo(right) > 0;

    /// <summary>Orders by hexadecimal digits.</summary>
    public static bool operator <=(TaskKey left, TaskKey right) => left.CompareTo(right) <= 0;

    /// <summary>Orders by hexadecimal digits.</summary>
    public static bool operator >=(TaskKey left, TaskKey right) => left.CompareTo(right) >= 0;
}
