using System.Collections.Immutable;
using System.Text.Json.Serialization;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>A version of a module as a task reads it.</summary>
/// <param name="Id">Its name, under which a training task returns it.</param>
/// <param name="Parts">What it owns; with the transformer's shape this fixes its buffer.</param>
/// <param name="Blob">Its parameters.</param>
public sealed record ModuleInput(ModuleId Id, ImmutableArray<TransformerPart> Parts, BlobHash Blob)
{
    /// <summary>How a worker that has the version before comes to this one without fetching it; null: it cannot. Reaches no result.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public VersionDelta? Delta { get; init; }
}
