using System.Collections.Immutable;
using System.Globalization;
using DiPaCo.Core;

namespace DiPaCo.Cluster;

/// <summary>Holds a worker's machine against what the silo says that the run needs. A pure function of both.</summary>
/// <param name="Facts">What was found, for one line.</param>
/// <param name="Warnings">What will cost time or work, with cause and repair.</param>
/// <param name="Failure">Why the worker cannot be of use; null: it can.</param>
public sealed record MachineCheck(ImmutableArray<string> Facts, ImmutableArray<string> Warnings, string? Failure)
{
    /// <summary>Bytes on the disk for each byte of memory of a training task: of 16 a parameter it reads and writes 12 each.</summary>
    private const double DiskPerMemory = 1.5;

    private const long SmallestDisk = 16L << 20;
    private const double SlowFactor = 2;
    private const double GiB = 1L << 30;

    private static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(1);

    /// <summary>Compares.</summary>
    /// <param name="greeting">What the silo says.</param>
    /// <param name="offer">What the worker is.</param>
    /// <param name="space">Room for blobs.</param>
    /// <param name="now">The worker's time when the greeting came.</param>
    public static MachineCheck Of(Greeting greeting, WorkerOffer offer, CacheSpace space, DateTimeOffset now)
    {
        List<string> facts = [$"version {offer.Version}"], warnings = [];
        if (greeting.Version != offer.Version)
        {
            return new MachineCheck([], [], $"The silo has version '{greeting.Version}' and this worker '{offer.Version}'; use the same on all machines.");
        }

        TimeSpan off = now - greeting.Clock;
        facts.Add(Text($"clock {off.TotalSeconds:+0.0;-0.0} s off"));
        if (off.Duration() > ClockTolerance)
        {
            warnings.Add(Text($"This machine's clock is {off.Duration().TotalSeconds:0} s {(off > TimeSpan.Zero ? "ahead of" : "behind")} the silo's: times in logs do not match, and if it jumps back this worker is taken for its predecessor. Set it by NTP."));
        }

        // Who makes outer steps only never gets a task as large as a path.
        long largest = offer.OuterOnly ? 0 : greeting.LargestTaskBytes;
        long disk = Math.Max(SmallestDisk, (long)(DiskPerMemory * largest));
        facts.Add(Text($"{space.UsableBytes / GiB:0.0} GiB for blobs"));
        if (space.UsableBytes < disk)
        {
            return new MachineCheck([], [], space.LimitBytes < disk
                ? Text($"The cache may hold {space.LimitBytes / GiB:0.00} GiB, a task of the run needs about {disk / GiB:0.00} GiB. Allow it more (--cache-size).")
                : Text($"The disk of '{space.Folder}' has {space.FreeBytes / GiB:0.00} GiB left, a task of the run needs about {disk / GiB:0.00} GiB. Make room, or choose another folder (--cache)."));
        }

        if (space.UsableBytes < space.LimitBytes)
        {
            warnings.Add(Text($"The cache may hold {space.LimitBytes / GiB:0.0} GiB, but the disk of '{space.Folder}' has room for {space.UsableBytes / GiB:0.0} GiB. Make room, or set a smaller limit (--cache-size)."));
        }

        if (offer.OuterOnly)
        {
            facts.Add(Text($"{offer.MemoryBytes / GiB:0.0} GiB of memory, for outer steps only"));
            return new MachineCheck([.. facts], [.. warnings], null);
        }

        facts.Add(Text($"{offer.MemoryBytes / GiB:0.0} GiB of memory ({(greeting.LargestTaskBytes > 0 ? Text($"the largest task needs {greeting.LargestTaskBytes / GiB:0.00}") : "what the largest task needs is not known yet")})"));
        if (greeting.LargestTaskBytes > offer.MemoryBytes)
        {
            warnings.Add(Text($"A path of the run needs {greeting.LargestTaskBytes / GiB:0.00} GiB of memory, this machine has {offer.MemoryBytes / GiB:0.00}: it gets smaller tasks only. Use a larger machine, or a smaller recipe.micro_batch_sequences."));
        }

        bool isMeasured = greeting.MedianFlopsPerSecond > 0 && offer.FlopsPerSecond > 0;
        facts.Add(Text($"{offer.FlopsPerSecond / 1e9:0} GFLOP/s{(isMeasured ? Text($" (the median worker has {greeting.MedianFlopsPerSecond / 1e9:0})") : "")}"));
        if (isMeasured && offer.FlopsPerSecond * SlowFactor < greeting.MedianFlopsPerSecond)
        {
            warnings.Add(Text($"This machine computes {greeting.MedianFlopsPerSecond / offer.FlopsPerSecond:0.0} times slower than the median worker: it gets parts of tasks. See whether something else uses it, and what --threads and --device say."));
        }

        return new MachineCheck([.. facts], [.. warnings], null);
    }

    /// <summary>Says what was found.</summary>
    /// <exception cref="DiPaCoException">The worker cannot be of use.</exception>
    public void Report(string door, IWorkerObserver observer)
    {
        if (Failure is not null)
        {
            throw new DiPaCoException(Failure);
        }

        observer.Observe(new WorkerEvent(WorkerEventKind.Checked, $"{door}; {string.Join(", ", Facts)}"));
        foreach (string warning in Warnings)
        {
            observer.Observe(new WorkerEvent(WorkerEventKind.Warned, warning));
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
