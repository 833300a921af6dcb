using DiPaCo.Core;

namespace DiPaCo.Cluster;

/// <summary>What may become of a run. Pure: every wish may come twice, and the second changes nothing.</summary>
public static class RunLifeRules
{
    /// <summary>Somebody submits a run.</summary>
    /// <exception cref="DiPaCoException">Another run has the name.</exception>
    public static RunMemory Submit(RunMemory memory, string name, string configuration, string yaml, bool strict, DateTimeOffset now) => memory.Life switch
    {
        RunLife.None or RunLife.Deleted => Begin(memory, now) with
        {
            Configuration = configuration, ConfigurationYaml = yaml, Strict = strict, Failure = "", ModelDigest = "",
        },
        _ when memory.Configuration == configuration => memory,
        _ => throw new DiPaCoException(
            $"There is a run '{name}' already, with another configuration. Give this one another name (name), or delete that one first ('dipaco run delete {name}')."),
    };

    /// <summary>Somebody wants a run to wait.</summary>
    /// <exception cref="DiPaCoException">It is not under way.</exception>
    public static RunMemory Pause(RunMemory memory, string name, DateTimeOffset now) => memory.Life switch
    {
        RunLife.Paused => memory,
        RunLife.Running => Become(memory, RunLife.Paused, now),
        _ => throw Cannot("be paused", memory, name),
    };

    /// <summary>Somebody wants a run to go on.</summary>
    /// <exception cref="DiPaCoException">It is at its end, or there is none.</exception>
    public static RunMemory Resume(RunMemory memory, string name, DateTimeOffset now) => memory.Life switch
    {
        RunLife.Running => memory,
        RunLife.Paused => Become(memory, RunLife.Running, now),
        RunLife.Failed => Begin(memory, now) with { Failure = "" },
        _ => throw Cannot("go on", memory, name),
    };

    /// <summary>Somebody wants a run to be gone.</summary>
    /// <exception cref="DiPaCoException">There never was one.</exception>
    public static RunMemory Delete(RunMemory memory, string name, DateTimeOffset now) => memory.Life switch
    {
        RunLife.Deleted => memory,
        RunLife.None => throw Cannot("be deleted", memory, name),
        _ => Become(memory, RunLife.Deleted, now) with { Configuration = "", ConfigurationYaml = "" },
    };

    /// <summary>The recipe has come to its end, one way or the other. It means something only to a run that is under way since the same beginning.</summary>
    public static RunMemory Ended(RunMemory memory, long beginning, string failure, string modelDigest, DateTimeOffset now) =>
        memory.Life is not (RunLife.Running or RunLife.Paused) || beginning != memory.Beginning ? memory
        : Become(memory, failure.Length > 0 ? RunLife.Failed : RunLife.Finished, now) with { Failure = failure, ModelDigest = modelDigest };

    private static RunMemory Begin(RunMemory memory, DateTimeOffset now) => Become(memory, RunLife.Running, now) with { Beginning = memory.Beginning + 1 };

    private static RunMemory Become(RunMemory memory, RunLife life, DateTimeOffset now) => memory with { Life = life, Number = memory.Number + 1, Since = now };

    private static DiPaCoException Cannot(string what, RunMemory memory, string name) => new(memory.Life is RunLife.None or RunLife.Deleted
        ? $"There is no run '{name}' in this cluster. 'dipaco status --join' shows those that there are."
        : $"The run '{name}' cannot {what}: it is {memory.Life.ToString().ToLowerInvariant()}.");
}
