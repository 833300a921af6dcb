namespace DiPaCo.Serving.Scheduling;

/// <summary>Numbers of an engine, for metrics. Its thread writes, and who submits or leaves under its lock; others may read a moment late.</summary>
internal sealed class EngineCounters
{
    /// <summary>Sequences that wait.</summary>
    public int Waiting { get; set; }

    /// <summary>Sequences that are computed.</summary>
    public int Active { get; set; }

    /// <summary>Pages of keys and values that sequences have reserved.</summary>
    public int PagesReserved { get; set; }

    /// <summary>Pages of keys and values in memory.</summary>
    public int PagesAllocated { get; set; }

    /// <summary>Steps so far.</summary>
    public long Steps { get; set; }

    /// <summary>Rows of all steps so far.</summary>
    public long Rows { get; set; }

    /// <summary>Sequences that have ended, whatever way.</summary>
    public long Finished { get; set; }

    /// <summary>Sequences that their clients gave up.</summary>
    public long Cancelled { get; set; }

    /// <summary>Sequences that were turned away.</summary>
    public long Rejected { get; set; }

    /// <summary>Tokens written by sequences that have ended.</summary>
    public long TokensWritten { get; set; }

    /// <summary>Tokens of their prompts.</summary>
    public long PromptTokens { get; set; }
}
