using System.Text.Json;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Storage;

/// <summary>A finished task: a pure function of its inputs, so whoever finds its key here can use its outputs.</summary>
/// <param name="Key">Names the task and everything that its outputs depend on.</param>
/// <param name="Kind">The kind of task, for example <c>train-path</c>.</param>
/// <param name="Inputs">The blobs that went in, by role.</param>
/// <param name="Outputs">The blobs that came out, by role.</param>
/// <param name="Metrics">What was measured, a JSON object; not part of the task's value.</param>
public sealed record JournalEntry(
    string Key,
    string Kind,
    IReadOnlyDictionary<string, BlobHash> Inputs,
    IReadOnlyDictionary<string, BlobHash> Outputs,
    JsonElement? Metrics = null)
{
    /// <summary>Whether both say the same of the task; measurements may differ.</summary>
    public bool AgreesWith(JournalEntry other) =>
        Key == other.Key && Kind == other.Kind && Same(Inputs, other.Inputs) && Same(Outputs, other.Outputs);

    private static bool Same(IReadOnlyDictionary<string, BlobHash> left, IReadOnlyDictionary<string, BlobHash> right) =>
        left.Count == right.Count && left.All(pair => right.TryGetValue(pair.Key, out BlobHash hash) && hash == pair.Value);
}
