using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Storage;

/// <summary>A finished task: a pure function of its inputs, so whoever finds its key here can use its outputs.</summary>
/// <param name="Key">Names the task and everything that its outputs depend on.</param>
/// <param name="Kind">The kind of task, for example <c>train</c>.</param>
/// <param name="Inputs">The blobs that went in.</param>
/// <param name="Outputs">The blobs that came out, by name.</param>
/// <param name="Metrics">Small results as JSON on one line, kept as they are.</param>
public sealed record JournalEntry(
    string Key,
    string Kind,
    ImmutableArray<BlobHash> Inputs,
    ImmutableSortedDictionary<string, BlobHash> Outputs,
    string Metrics = "{}")
{
    /// <summary>Whether both say that the task made the same blobs of the same blobs. The small results may hold times and do not count.</summary>
    public bool AgreesWith(JournalEntry other) =>
        Key == other.Key
        && Kind == other.Kind
        && Inputs.AsSpan().SequenceEqual(other.Inputs.AsSpan())
        && Outputs.Count == other.Outputs.Count
        && Outputs.All(output => other.Outputs.TryGetValue(output.Key, out BlobHash hash) && hash == output.Value);
}
