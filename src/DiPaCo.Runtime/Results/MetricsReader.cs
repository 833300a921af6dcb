using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace DiPaCo.Runtime;

/// <summary>
/// Reads <c>metrics.jsonl</c>. The file is appended to while processes die at any moment, so a torn line is skipped,
/// and steps that a later session made again replace the earlier record.
/// </summary>
public static class MetricsReader
{
    private const int MaxLineLength = 4096;

    /// <summary>
    /// The steps, ordered by stage, path and step; empty when the file does not exist. Of a run with more of them than fit, every second, fourth, …
    /// step of each model.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellation">Stops the reading.</param>
    /// <param name="most">The most steps to return.</param>
    public static async Task<IReadOnlyList<StepMetric>> ReadAsync(string path, CancellationToken cancellation, int most = 1_000_000)
    {
        SortedDictionary<(Stage Stage, int Path, ModelKind? Baseline, int Step), StepMetric> steps = [];
        int stride = 1;
        await foreach (StepMetric step in RecordsAsync<StepMetric>(path, cancellation))
        {
            if (step.Step % stride != 0)
            {
                continue;
            }

            steps[(step.Stage, step.Path?.Value ?? -1, step.Baseline, step.Step)] = step;
            while (steps.Count > most)
            {
                stride *= 2;
                steps = new(steps.Where(entry => entry.Key.Step % stride == 0).ToDictionary());
            }
        }

        return [.. steps.Values];
    }

    /// <summary>The time of every stage over all sessions, in order of stages; empty when the file does not exist.</summary>
    public static async Task<ImmutableArray<StageTime>> ReadTimesAsync(string path, CancellationToken cancellation)
    {
        SortedDictionary<Stage, TimeSpan> times = [];
        await foreach (StageTime piece in RecordsAsync<StageTime>(path, cancellation))
        {
            times[piece.Stage] = times.GetValueOrDefault(piece.Stage) + piece.Elapsed;
        }

        return [.. times.Select(time => new StageTime(time.Key, time.Value))];
    }

    /// <summary>Which tasks came from which fingerprint; empty where all came from one, or nobody wrote it down.</summary>
    public static async Task<ImmutableArray<NumericsShare>> ReadNumericsAsync(string path, CancellationToken cancellation)
    {
        SortedDictionary<string, TaskOrigin> tasks = new(StringComparer.Ordinal);
        await foreach (TaskOrigin origin in RecordsAsync<TaskOrigin>(path, cancellation))
        {
            tasks[origin.Key] = origin;
        }

        return tasks.Values.Select(task => task.Fingerprint).Distinct().Count() <= 1 ? []
            :
            [
                .. tasks.Values.GroupBy(task => (task.Fingerprint, task.Task))
                    .Select(group => new NumericsShare(group.Key.Fingerprint, group.Key.Task, group.Count()))
                    .OrderBy(share => share.Fingerprint, StringComparer.Ordinal).ThenBy(share => share.Kind, StringComparer.Ordinal),
            ];
    }

    /// <summary>The lines that are such records. To a <see cref="StageTime"/> a training step is one of no time.</summary>
    private static async IAsyncEnumerable<T> RecordsAsync<T>(string path, [EnumeratorCancellation] CancellationToken cancellation)
        where T : class
    {
        if (!File.Exists(path))
        {
            yield break;
        }

        using StreamReader reader = new(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite), Encoding.UTF8);
        while (await reader.ReadLineAsync(cancellation) is { } line)
        {
            if (TryParse<T>(line) is { } record)
            {
                yield return record;
            }
        }
    }

    private static T? TryParse<T>(string line)
        where T : class
    {
        if (line.Length is 0 or > MaxLineLength || line[0] != '{')
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize<T>(line, RunJson.Line);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
