using System.Text.Json;

namespace DiPaCo.Runtime;

/// <summary>Time that a stage took: a piece of it in <c>metrics.jsonl</c>, all sessions of the run together in its results.</summary>
/// <param name="Stage">Which.</param>
/// <param name="Elapsed">How long.</param>
public sealed record StageTime(Stage Stage, TimeSpan Elapsed)
{
    /// <summary>The record as one line of JSON, without the line's end.</summary>
    public string ToLine() => JsonSerializer.Serialize(this, RunJson.Line);
}
