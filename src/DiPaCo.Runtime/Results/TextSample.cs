using DiPaCo.Core;

namespace DiPaCo.Runtime;

/// <summary>A continuation written by one path.</summary>
/// <param name="Path">The path; null for the dense model.</param>
/// <param name="Source">Source of the prompt's document.</param>
/// <param name="Prompt">The prompt.</param>
/// <param name="Text">What the path wrote.</param>
public sealed record TextSample(PathId? Path, string Source, string Prompt, string Text)
{
    /// <summary>Whether the path has never seen the prompt's document; false where its shard has none that is held out.</summary>
    public bool IsHeldOut { get; init; } = true;
}
