using System.Collections.Immutable;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Rules;

/// <summary>A task that somebody wants computed: all that the dispatcher has to know of it. What it computes stays in its specification.</summary>
/// <param name="Key">Its name.</param>
/// <param name="Kind">Its kind: tasks of a kind run at comparable rates.</param>
/// <param name="Run">The run that wants it.</param>
/// <param name="Owner">Who in the run wants it, and will be told of the result.</param>
public sealed record TaskDemand(TaskKey Key, string Kind, RunId Run, TaskOwner Owner)
{
    /// <summary>The blobs that it reads; a worker that has them is preferred.</summary>
    public ImmutableArray<TaskInput> Inputs { get; init; } = [];

    /// <summary>Memory that it needs, in bytes; 0: any worker has enough.</summary>
    public long MemoryBytes { get; init; }

    /// <summary>Its work in floating-point operations; 0: unknown, so that nothing is expected of its duration.</summary>
    public double Flops { get; init; }

    /// <summary>Larger goes first.</summary>
    public int Priority { get; init; }

    /// <summary>The only numerics fingerprint whose results count; null: any.</summary>
    public string? Fingerprint { get; init; }

    /// <summary>Whether it can be handed over between two of its steps (<see cref="Rules.Continuation"/>).</summary>
    public bool Divisible { get; init; }

    /// <summary>Whether a worker computes it beside another task instead of after it: it is short, and others wait for it.</summary>
    public bool Beside { get; init; }
}
