using System.Text.Json;

namespace DiPaCo.Runtime;

/// <summary>Events of a run as text, for whoever follows it from another machine. An event of a kind that the reader does not know is dropped: events decide nothing.</summary>
public static class RunEventJson
{
    private const int MostCharacters = 64 << 10;

    /// <summary>An event as one line; null for those that are not told.</summary>
    public static string? Write(RunEvent runEvent) => runEvent switch
    {
        StepsPlanned or StageStarted or StageAdvanced or StageFinished or PhaseFinished or RunNote or StepMade =>
            $"{runEvent.GetType().Name} {JsonSerializer.Serialize(runEvent, runEvent.GetType(), RunJson.Line)}",
        _ => null,
    };

    /// <summary>The event of a line; null where it is none that this version knows.</summary>
    public static RunEvent? Read(string line)
    {
        int space = line.Length <= MostCharacters ? line.IndexOf(' ', StringComparison.Ordinal) : -1;
        if (space < 0)
        {
            return null;
        }

        try
        {
            string json = line[space..];
            return line[..space] switch
            {
                nameof(StepsPlanned) => JsonSerializer.Deserialize<StepsPlanned>(json, RunJson.Line),
                nameof(StageStarted) => JsonSerializer.Deserialize<StageStarted>(json, RunJson.Line),
                nameof(StageAdvanced) => JsonSerializer.Deserialize<StageAdvanced>(json, RunJson.Line),
                nameof(StageFinished) => JsonSerializer.Deserialize<StageFinished>(json, RunJson.Line),
                nameof(PhaseFinished) => JsonSerializer.Deserialize<PhaseFinished>(json, RunJson.Line),
                nameof(RunNote) => JsonSerializer.Deserialize<RunNote>(json, RunJson.Line),
                nameof(StepMade) => JsonSerializer.Deserialize<StepMade>(json, RunJson.Line),
                _ => null,
            };
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
