using System.Collections.Immutable;

namespace DiPaCo.Cluster;

/// <summary>A worker asks for a task.</summary>
/// <param name="Worker">The worker's name.</param>
/// <param name="Incarnation">Its incarnation.</param>
/// <param name="Number">Number of the question, from 1: the same until it brings a task, then the next.</param>
/// <param name="Cached">Hashes of inputs that it has, newest first, at most <see cref="MostCached"/>.</param>
[GenerateSerializer]
[Immutable]
public sealed record LeaseQuestion(string Worker, long Incarnation, long Number, ImmutableArray<string> Cached)
{
    /// <summary>Cached inputs that are told at most.</summary>
    public const int MostCached = 256;

    /// <summary>Kept states that are told at most.</summary>
    public const int MostKept = 32;

    /// <summary>Keys of the tasks of which it has kept a state, at most <see cref="MostKept"/>.</summary>
    [Id(0)]
    public ImmutableArray<string> Kept { get; init; } = [];
}
