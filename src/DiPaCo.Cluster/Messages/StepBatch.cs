using System.Collections.Immutable;

namespace DiPaCo.Cluster;

/// <summary>Some consecutive steps of a task; a batch that arrives twice is known by its numbers.</summary>
/// <param name="First">Number of the first of them, from 0.</param>
/// <param name="Steps">The steps.</param>
[GenerateSerializer]
public sealed record StepBatch(long First, ImmutableArray<StepReport> Steps)
{
    /// <summary>No steps.</summary>
    public static StepBatch None { get; } = new(0, []);
}
