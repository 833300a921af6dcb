using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Rules;

namespace DiPaCo.Runtime.Simulations;

/// <summary>A task as far as its cost goes; what it computes is the name of what it would compute.</summary>
/// <param name="Demand">What the dispatcher is told.</param>
/// <param name="Steps">Steps between which it can be cut; 1: none.</param>
/// <param name="Outputs">Its blobs with their bytes, by name.</param>
/// <param name="StateBytes">Bytes of its state in the middle.</param>
/// <param name="Done">Tells whoever wanted it.</param>
internal sealed record SimulatedTask(
    TaskDemand Demand, int Steps, ImmutableSortedDictionary<string, TaskInput> Outputs, double StateBytes, Action Done)
{
    /// <summary>Bytes of the outputs.</summary>
    public double OutputBytes { get; } = Outputs.Values.Sum(output => (double)output.Bytes);

    /// <summary>The outputs' names alone.</summary>
    public ImmutableSortedDictionary<string, BlobHash> Blobs { get; } = Outputs.ToImmutableSortedDictionary(output => output.Key, output => output.Value.Blob, StringComparer.Ordinal);
}
