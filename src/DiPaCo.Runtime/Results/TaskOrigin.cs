using System.Text.Json;

namespace DiPaCo.Runtime;

/// <summary>A line of <c>metrics.jsonl</c> about a task that a worker of a cluster has computed.</summary>
public sealed record TaskOrigin
{
    /// <summary>The task's kind.</summary>
    public required string Task { get; init; }

    /// <summary>The task.</summary>
    public required string Key { get; init; }

    /// <summary>Who has computed it.</summary>
    public required string Worker { get; init; }

    /// <summary>How that worker rounds.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>The record as one line of JSON, without the line's end.</summary>
    public string ToLine() => JsonSerializer.Serialize(this, RunJson.Line);
}
