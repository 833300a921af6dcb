namespace DiPaCo.Runtime.Rules;

/// <summary>What became of something that a path or module reported to its run. All but <see cref="NotYet"/> end the report.</summary>
public enum RecordVerdict
{
    /// <summary>It is recorded.</summary>
    Recorded,

    /// <summary>It was recorded before.</summary>
    Known,

    /// <summary>The run does not expect it now: it has to come again later.</summary>
    NotYet,

    /// <summary>Something else was recorded before in its place; the run has failed.</summary>
    Contradiction,
}
