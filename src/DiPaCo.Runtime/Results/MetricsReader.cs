using System.Text;
using System.Text.Json;

namespace DiPaCo.Runtime;

/// <summary>
/// Reads <c>metrics.jsonl</c>. The file is appended to while processes die at any moment, so a torn line is skipped,
/// and steps that a later session made again replace the earlier record.
/// </summary>
public static class MetricsReader
{
    /// <summary>Name of the file in the run's folder.</summary>
    public const string FileName = "metrics.jsonl";

    private const int MaxLineLength = 4096;

    /// <summary>All steps, ordered by stage, path and step; empty when the file does not exist.</summary>
    public static async Task<IReadOnlyList<StepMetric>> ReadAsync(string path, CancellationToken cancellation)
    {
        if (!File.Exists(path))
        {
            return [];
        }

        SortedDictionary<(Stage Stage, int Path, ModelKind? Baseline, int Step), StepMetric> steps = [];
        using StreamReader reader = new(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite), Encoding.UTF8);
        while (await reader.ReadLineAsync(cancellation) is { } line)
        {
            if (TryParse(line) is { } step)
            {
                steps[(step.Stage, step.Path?.Value ?? -1, step.Baseline, step.Step)] = step;
            }
        }

        return [.. steps.Values];
    }

    private static StepMetric? TryParse(string line)
    {
        if (line.Length is 0 or > MaxLineLength || line[0] != '{')
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize<StepMetric>(line, RunJson.Line);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
