using DiPaCo.Core;

namespace DiPaCo.Runtime.Tests.Rules.Simulation;

/// <summary>How badly a seed treats the run. Each kind of fault is absent in many seeds, so that others are seen on their own.</summary>
internal sealed class Faults
{
    public Faults(RandomStream random)
    {
        Setting = new Setting(
            Phases: 2 + random.NextInt32(2), Cut: random.NextInt32(3) == 0 ? 1 : 0, Sampled: random.NextInt32(4) == 0, HasPrivate: random.NextInt32(4) == 0,
            FoldPaths: random.NextInt32(2) * (1 + random.NextInt32(3)));
        Until = 1_000 + random.NextInt32(5_000);
        Drop = Pick(random, 0, 0.02, 0.15);
        Duplicate = Pick(random, 0, 0.03, 0.2);
        Late = Pick(random, 0, 0.03, 0.1);
        Crash = Pick(random, 0, 0.005, 0.03);
        Fail = Pick(random, 0, 0, 0.3);
        Damage = Pick(random, 0, 0, 0.5);
        FalseAlarm = Pick(random, 0, 0, 0.1);
        WorkerFaults = random.NextInt32(6);
        IsVolatile = random.NextInt32(3) == 0;
        HasForeigner = random.NextInt32(4) == 0;
        HasSlow = random.NextInt32(3) == 0;
        Slots = 1 + random.NextInt32(2);
        Hang = HasForeigner ? 0 : Pick(random, 0, 0, 0, 0.3);
        Pauses = random.NextInt32(4) == 0;
        Deletes = random.NextInt32(24) == 0;
        MaximumFailures = random.NextInt32(3) == 0 ? 2 : 50;
        ThroughJson = random.NextInt32(64) == 0;
        int place = random.NextInt32(3);
        HasStore = place == 1;
        HasOuterOnly = place == 2 && !HasForeigner && Hang == 0;
    }

    public Setting Setting { get; }

    /// <summary>No fault happens after this time, ms.</summary>
    public long Until { get; }

    public double Drop { get; }

    public double Duplicate { get; }

    public double Late { get; }

    /// <summary>Chance of a crash in a step.</summary>
    public double Crash { get; }

    /// <summary>Chance that a task fails on a worker.</summary>
    public double Fail { get; }

    /// <summary>Chance that a result of worker 0 cannot be used.</summary>
    public double Damage { get; }

    /// <summary>Chance that the guard at the door does not believe a good result.</summary>
    public double FalseAlarm { get; }

    /// <summary>How often workers freeze, crash or leave.</summary>
    public int WorkerFaults { get; }

    /// <summary>Whether the dispatcher remembers nothing but how often it has started.</summary>
    public bool IsVolatile { get; }

    /// <summary>Whether a worker computes other bytes, and says so.</summary>
    public bool HasForeigner { get; }

    /// <summary>Whether a worker is five times slower.</summary>
    public bool HasSlow { get; }

    /// <summary>Chance that worker 1 never ends a task, while its heart goes on beating.</summary>
    public double Hang { get; }

    public int Slots { get; }

    /// <summary>Whether worker 0 is beside the store.</summary>
    public bool HasStore { get; }

    /// <summary>Whether worker 2 makes outer steps only.</summary>
    public bool HasOuterOnly { get; }

    public bool Pauses { get; }

    public bool Deletes { get; }

    public int MaximumFailures { get; }

    /// <summary>Whether states go through JSON when a party comes back.</summary>
    public bool ThroughJson { get; }

    private static double Pick(RandomStream random, params ReadOnlySpan<double> choices) => choices[random.NextInt32(choices.Length)];
}
