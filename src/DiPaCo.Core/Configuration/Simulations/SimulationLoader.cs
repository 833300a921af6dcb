using System.Collections.Immutable;
using DiPaCo.Core.Planning;

namespace DiPaCo.Core.Configuration;

/// <summary>Reads a simulation's file: the run that it names, and the fleets. As strict as a run's configuration; all errors name the line of their file.</summary>
public static class SimulationLoader
{
    /// <summary>More workers than anybody has; each costs memory and time of the simulation.</summary>
    private const int MostWorkers = 100_000;

    private static readonly Interval Megabits = new(0, 1e9, OpenBelow: true);
    private static readonly Interval Rate = new(0, 1e18, OpenBelow: true);
    private static readonly Interval Gigabytes = new(0, 1e6, OpenBelow: true);

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file; the run that it names is relative to its folder.</param>
    /// <exception cref="ConfigurationException">A file cannot be read, or something in it is wrong.</exception>
    public static Simulation Load(string path) => Parse(RunConfigLoader.LoadText(path), path);

    /// <summary>Reads a text.</summary>
    /// <param name="text">The YAML.</param>
    /// <param name="fileName">Named in errors; the run's file is relative to its folder.</param>
    /// <exception cref="ConfigurationException">Something in the text, or in the run's file, is wrong.</exception>
    public static Simulation Parse(string text, string fileName)
    {
        ErrorList errors = new(fileName);
        if (!YamlCharacters.Check(text, errors))
        {
            throw errors.ToException();
        }

        ConfigReading reading = new(errors);
        SectionReader top = new(reading, YamlReader.Read(text, errors), "");
        string stem = Path.GetFileNameWithoutExtension(fileName);
        string name = top.Text("name", RunSection.IsName(stem) ? stem : "simulation", RunSection.IsName, "letters, digits, dots, dashes and underscores", "Name of the simulation.")!;
        string? run = top.Text("run", null, given => given.Length is > 0 and <= 4_096 && !given.Any(char.IsControl), "the file of a run", "Configuration of the run.");
        if (run is null)
        {
            top.Missing("run", "the file of a run");
        }

        long seed = top.Long("seed", 1, new Bounds(0, long.MaxValue), "Seed of speeds, failures and times of the day.");
        int phases = top.Count("phases", 4, new Bounds(1, 10_000), "Phases that are simulated.");
        long tokens = top.Long("corpus_tokens", 0, new Bounds(0, long.MaxValue / 8), "Tokens of the corpus; 0: as many as one path trains on.");
        ImmutableArray<int> workers = top.WholeNumbers("workers", new Bounds(1, MostWorkers), "Numbers of workers, each a simulation of its own.");
        if (workers.IsEmpty && !reading.IsStated("workers"))
        {
            top.Missing("workers", "a list such as [64, 256]");
        }

        SimulatedWorkers worker = ReadWorkers(top.Section("worker"));
        SimulatedSilo silo = ReadSilo(top.Section("silo"));
        top.Finish();
        reading.ReportUnknown();
        if (!errors.IsEmpty)
        {
            throw errors.ToException();
        }

        LoadedConfig loaded = RunConfigLoader.Load(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(fileName))!, run!));
        return new Simulation
        {
            Name = name,
            Run = loaded,
            Seed = seed,
            Phases = Math.Min(phases, loaded.Config.Recipe.Phases),
            CorpusTokens = tokens > 0 ? tokens : PlannedCorpus.Assumed(loaded.Config).Tokens,
            Workers = workers,
            Worker = worker,
            Silo = silo,
        };
    }

    private static SimulatedWorkers ReadWorkers(SectionReader section)
    {
        SimulatedWorkers filled = new();
        SimulatedWorkers workers = new()
        {
            FlopsPerSecond = section.Number("flops_per_second", filled.FlopsPerSecond, Rate, "Of the median worker while it trains."),
            SpeedSpread = section.Number("speed_spread", filled.SpeedSpread, new Interval(0, 3), "Standard deviation of the logarithm of the speeds."),
            MemoryGigabytes = section.Number("memory_gigabytes", filled.MemoryGigabytes, Gigabytes, "Memory that a task may use."),
            CacheGigabytes = section.Number("cache_gigabytes", filled.CacheGigabytes, Gigabytes, "Room for blobs that were read."),
            DownloadMegabits = section.Number("download_megabits", filled.DownloadMegabits, Megabits, "Per second, towards the worker."),
            UploadMegabits = section.Number("upload_megabits", filled.UploadMegabits, Megabits, "Per second, from the worker."),
            LatencyMilliseconds = section.Number("latency_milliseconds", filled.LatencyMilliseconds, new Interval(0, 60_000), "Before the first byte, and before an answer."),
            HoursBetweenFailures = section.Number("hours_between_failures", filled.HoursBetweenFailures, new Interval(0, 1e6), "Mean time between sudden ends of a worker; 0: none."),
            MinutesAway = section.Number("minutes_away", filled.MinutesAway, new Interval(0, 1e6), "Mean time until it is back."),
            HoursADay = section.Number("hours_a_day", filled.HoursADay, new Interval(0, 24, OpenBelow: true), "Hours of a day in which a worker works, each at its own time of the day."),
            GraceMinutes = section.Number("grace_minutes", filled.GraceMinutes, new Interval(0, 1e4), "Time to hand over when it leaves in good order."),
        };
        section.Finish();
        return workers;
    }

    private static SimulatedSilo ReadSilo(SectionReader section)
    {
        SimulatedSilo filled = new();
        SimulatedSilo silo = new()
        {
            Megabits = section.Number("megabits", filled.Megabits, Megabits, "Per second of the store, each direction."),
            Workers = section.Count("workers", filled.Workers, new Bounds(0, 10_000), "Workers beside the store."),
            FlopsPerSecond = section.Number("flops_per_second", filled.FlopsPerSecond, Rate, "Of each of them."),
            MemoryGigabytes = section.Number("memory_gigabytes", filled.MemoryGigabytes, Gigabytes, "Of each of them; with less than a path needs they make outer steps only."),
            LeaseSeconds = section.Number("lease_seconds", filled.LeaseSeconds, new Interval(1, 3_600), "Shortest lease."),
        };
        section.Finish();
        return silo;
    }
}
