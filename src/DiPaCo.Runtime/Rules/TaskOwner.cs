using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>Who in a run waits for a task: a path, a module, or the recipe.</summary>
/// <param name="Name">For example <c>path/3</c> or <c>module/level1.expert2</c>; means nothing to the dispatcher.</param>
public readonly record struct TaskOwner(string Name) : IComparable<TaskOwner>
{
    /// <summary>A path.</summary>
    public static TaskOwner Of(PathId path) => new($"path/{path}");

    /// <summary>A module.</summary>
    public static TaskOwner Of(ModuleId module) => new($"module/{module}");

    /// <inheritdoc/>
    public int CompareTo(TaskOwner other) => string.CompareOrdinal(Name, other.Name);

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>Orders by ordinal name.</summary>
    public static bool operator <(TaskOwner left, TaskOwner right) => left.CompareTo(right) < 0;

    /// <summary>Orders by ordinal name.</summary>
    public static bool operator >(TaskOwner left, TaskOwner right) => left.CompareTo(right) > 0;

    /// <summary>Orders by ordinal name.</summary>
    public static bool operator <=(TaskOwner left, TaskOwner right) => left.CompareTo(right) <= 0;

    /// <summary>Orders by ordinal name.</summary>
    public static bool operator >=(TaskOwner left, TaskOwner right) => left.CompareTo(right) >= 0;
}
