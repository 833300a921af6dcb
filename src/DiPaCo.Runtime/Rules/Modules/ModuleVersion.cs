using System.Text.Json.Serialization;
using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Rules;

/// <summary>A published version of a module.</summary>
/// <param name="Module">The module.</param>
/// <param name="Version">Its version: what the phase of the same number starts from.</param>
/// <param name="Blob">Its parameters.</param>
/// <param name="Momentum">Its outer momentum; null: zeros.</param>
public sealed record ModuleVersion(ModuleId Module, Phase Version, BlobHash Blob, BlobHash? Momentum)
{
    /// <summary>What paths train from; null: the parameters themselves.</summary>
    public PublishedVersion? Published { get; init; }

    /// <summary>The blob that paths train from.</summary>
    [JsonIgnore]
    public BlobHash TrainedFrom => Published?.Blob ?? Blob;
}
