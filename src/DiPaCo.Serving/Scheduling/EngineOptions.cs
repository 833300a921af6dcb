namespace DiPaCo.Serving.Scheduling;

/// <summary>The limits of an engine, and what it runs on.</summary>
internal sealed record EngineOptions
{
    /// <summary>Threads that compute. Default: all processors.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Sequences computed side by side. Default 64.</summary>
    public int MaxSequences { get; init; } = 64;

    /// <summary>Sequences that wait. Default 256.</summary>
    public int MaxQueue { get; init; } = 256;

    /// <summary>Rows of a step. Default 256.</summary>
    public int MaxRows { get; init; } = 256;

    /// <summary>Rows of a step that may belong to prompts while other sequences write. Default 64.</summary>
    public int PromptRowsBesideWriters { get; init; } = 64;

    /// <summary>Bytes of keys and values; null: as many as the sequences that are computed side by side may need. Default 1 GiB.</summary>
    public long? CacheBytes { get; init; } = 1L << 30;

    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where modules are read that nobody waits for; null: on a thread that has the processor only while nobody else wants it.</summary>
    public TaskScheduler? Idle { get; init; }
}
